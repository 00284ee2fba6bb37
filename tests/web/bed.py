# SPDX-License-Identifier: Apache-2.0
"""The world of the web flows, in one process: a content server, a place with an admin, and a mail server; all real.

Speaks lines of JSON: the first line on stdout says where everything is; each line on stdin asks for something
({"do": "publish", "name": ..., "size": ...}), each answer is one line. The end of stdin ends everything.
"""
import base64
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from bed import BIN  # noqa: E402
from bed.content import ContentServer, make_file  # noqa: E402
from bed.mail import Relay  # noqa: E402
from bed.place import ALLOW_LOOPBACK, Place  # noqa: E402

# What the content server has for every flow: slow enough to be seen, faulty, and pages.
EXTRA = """
    location /slow/ { limit_rate 150k; }
    location /crawl/ { limit_rate 10k; }
    location /shelf/ { autoindex on; autoindex_exact_size on; }
    location = /broken { return 503 "down"; }
    location = /missing { return 404 "none"; }
    location = /members { if ($cookie_sid != "K4N4RY") { return 403 "no"; } return 200 "for members"; }
    location = /attachment { add_header Content-Disposition "attachment; filename=\\"Report 2026.pdf\\""; return 200 "the report"; }
"""
# What is slow is to stay so.
ONE_CONNECTION = "[limits]\nconnections_per_download = 1\n"
ADMIN = "olga"


class Bed:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.relay = Relay(folder / "mail").start()
        self.content = ContentServer(folder / "content", extra=EXTRA).start()
        for part in ("slow", "crawl"):
            (self.content.root / part).mkdir()
        config = f'[place]\nname = "Harbour Hotel"\n{ALLOW_LOOPBACK}{self.relay.config(folder)}{ONE_CONNECTION}'
        self.place = Place(folder / "place", config=config, binaries=BIN).start()
        self.place.add_user(ADMIN, "--role", "admin")
        self.users = 0
        self.others = []  # further places, which end with the bed; the last one is `second`

    def where(self) -> dict:
        return {"place": self.place.url, "content": self.content.url, "admin": ADMIN}

    # What a flow may ask for; the arguments are the line's members.
    def user(self, role: str = "user", quota: str = "") -> dict:
        """A new account with a connecting address that is good once."""
        self.users += 1
        name = f"guest{self.users}" if role == "guest" else f"ana{self.users}"
        self.place.add_user(name, "--role", role, *(["--quota", quota] if quota else []))
        return {"name": name, "password": "correct horse battery", "connect": self.place.pair(name)}

    def connect(self, name: str) -> dict:
        return {"connect": self.place.pair(name)}

    def qr(self, text: str) -> dict:
        made = subprocess.run(["qrencode", "-o", "-", "-s", "6"], input=text.encode(), capture_output=True, check=True)
        return {"png": base64.b64encode(made.stdout).decode()}

    def publish(self, name: str, size: int = 300_000, seed: int = 7) -> dict:
        """Puts bytes on the content server."""
        return {"sha256": make_file(self.content.root / name, size, seed), "url": f"{self.content.url}/{name}"}

    def write(self, name: str, text: str) -> dict:
        path = self.content.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return {"url": f"{self.content.url}/{name}"}

    def put(self, user: str, name: str, text: str) -> dict:
        """Another program puts a file into a user's area."""
        path = self.place.data / "areas" / user / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return {}

    def take(self, name: str) -> dict:
        """Takes a file off the content server."""
        (self.content.root / name).unlink()
        return {}

    def mails(self, to: str) -> dict:
        return {"mails": [{"subject": mail["subject"], "text": mail.text} for mail in self.relay.mails if to in mail.recipients]}

    def requests(self) -> dict:
        return {"lines": self.content.requests()}

    def run(self, arguments: list) -> dict:
        done = self.place.run(*arguments, check=False)
        return {"code": done.returncode, "out": done.stdout, "err": done.stderr}

    def stop(self) -> dict:
        self.place.stop()
        return {}

    def start(self) -> dict:
        self.place.start()
        return {}

    def fresh(self) -> dict:
        """Another place, without any user, beside the first; ends with the bed."""
        self.others.append(Place(self.folder / f"fresh{self.users}", binaries=BIN).start())
        self.users += 1
        return {"url": self.second.url}

    @property
    def second(self) -> Place:
        return self.others[-1]

    def run_fresh(self, arguments: list) -> dict:
        done = self.second.run(*arguments, check=False)
        return {"code": done.returncode, "out": done.stdout, "err": done.stderr}

    def other_place(self) -> dict:
        """Another place with an account of its own; what connects a device to it."""
        self.users += 1
        self.others.append(Place(self.folder / f"other{self.users}", f'[place]\nname = "The Office"\n{ALLOW_LOOPBACK}', binaries=BIN).start())
        self.second.add_user("ben")
        return {"url": self.second.url, "connect": self.second.pair("ben"), "again": self.second.pair("ben")}

    def log(self) -> dict:
        return {"log": self.place.log()}

    def end(self) -> None:
        self.place.stop()
        for place in self.others:
            place.stop()
        self.content.stop()
        self.relay.stop()


def main() -> None:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-web-"))
    bed = Bed(folder)
    try:
        print(json.dumps(bed.where()), flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                answer = getattr(bed, asked.pop("do"))(**asked)
            except Exception:  # told to the flow, which fails with it
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer), flush=True)
    finally:
        bed.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
