# SPDX-License-Identifier: Apache-2.0
"""A place with every way in, a device that seals, and a content server that counts: for tests that a request is taken once."""
import email.message
import email.policy
import itertools
import json
import pathlib
import random

from . import dav, documents, sealed
from .content import ContentServer, make_file
from .place import ALLOW_LOOPBACK, Place
from .process import BedError, wait_until

CONFIG = ALLOW_LOOPBACK + "[limits]\nsubmit_per_minute = 1000000\n"


class House:
    def __init__(self, work: pathlib.Path):
        self.work, self.numbers = work, itertools.count(1)
        self.content = ContentServer(work / "content").start()
        self.mailbox = dav.Dav().start()
        secret = work / "dav.password"
        secret.write_text(dav.PASSWORD)
        secret.chmod(0o600)
        mailbox = f'[mailbox]\ninterval = "1s"\n[mailbox.webdav]\nurl = "{self.mailbox.url}"\nuser = "{dav.USER}"\npassword_file = "{secret}"\n'
        self.place = Place(work / "place", CONFIG + mailbox).start()
        self.place.add_user("ana")
        self.device = sealed.SigningDevice().connect(self.place, "ana")
        self.channels = {"post": self.post, "receive": self.receive, "mailbox": self.fetched, "drop": self.dropped}

    def stop(self) -> None:
        self.place.stop()
        self.content.stop()
        self.mailbox.close()

    def file(self, size: int = 20_000) -> tuple[str, str]:
        """A new file at the content server: name and URL."""
        number = next(self.numbers)
        name = f"film-{number}.bin"
        make_file(self.content.root / name, size, number)
        return name, f"{self.content.url}/{name}"

    def fetches(self, name: str) -> int:
        return sum(1 for line in self.content.requests() if f'"GET /{name} ' in line)

    def seal(self, core: dict) -> str:
        return sealed.seal(sealed.newest_key(self.place), self.device.sign(sealed.compact_json(core)), core["exp"])

    def id_of(self, core: dict) -> str:
        return sealed.job_id(self.device.jkt, core["id"])

    def jobs(self) -> list[dict]:
        """All of them, page by page."""
        found, path = [], "/v1/jobs?limit=1000"
        while path:
            _, headers, body = self.place.get(path, self.device.token)
            found += json.loads(body)
            path = headers["Link"].split("<")[1].split(">")[0] if "Link" in headers else ""
        return found

    def kill_and_start(self) -> None:
        self.place.kill()

        def start() -> bool:
            # `restanted receive` may have found no server, and holds the folder for a moment.
            try:
                return bool(self.place.start())
            except BedError as error:
                if "in use by process" not in str(error):
                    raise
                return False
        wait_until("the server to start again", start)

    def post(self, document: str) -> None:
        status, answer = sealed.post(self.place, document)
        if status not in (200, 202):
            raise BedError(f"POST: {status} {answer}")

    def receive(self, document: str) -> None:
        """`restanted receive`: now the document itself, now the mail that a mail server's pipe hands over."""
        if random.random() < 0.5:
            mail = email.message.EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "ana@example.net", "box@example.org", "a request"
            mail.set_content("Please.")
            mail.add_attachment(document.encode(), "application", "vnd.restante.sealed+json", filename="film.restante")
            document = mail.as_bytes(policy=email.policy.SMTP).decode()
        told = json.loads(self.place.run("--json", "receive", input=document).stdout)
        if told["status"] not in ("accepted", "replayed"):
            raise BedError(f"receive: {told}")

    def left_in_mailbox(self, document: str) -> pathlib.Path:
        name = f"{random.getrandbits(64):x}.restante"
        (self.mailbox.folder / name).write_text(document)
        (self.mailbox.folder / name).chmod(0o666)
        return (self.mailbox.folder / name).rename(self.mailbox.files / name)

    def fetched(self, document: str) -> None:
        """Left in the mailbox, until the place has fetched it."""
        left = self.left_in_mailbox(document)
        wait_until("the mailbox to be emptied", lambda: not left.exists(), 30)

    def dropped(self, document: str) -> None:
        """Laid into the drop folder, until the place has taken it."""
        laid = self.place.data / "drop" / f"{random.getrandbits(64):x}.restante"
        laid.write_text(document)
        wait_until("the drop folder to be emptied", lambda: not laid.exists(), 30)

    def once(self, name: str, id_: str) -> None:
        """One job of that document, done, and one fetch of its file."""
        assert documents.ended(self.place, self.device.token, id_)["state"] == "done"
        wait_until("nginx to write its log", lambda: self.fetches(name))
        jobs = self.jobs()
        assert [job["id"] for job in jobs].count(id_) == 1
        assert [job["name"] for job in jobs].count(name) == 1
        assert self.fetches(name) == 1
        assert len(list((self.place.data / "areas" / "ana").glob(f"{name.removesuffix('.bin')}.*"))) == 1
        assert not list((self.place.data / "areas" / "ana").glob(f"{name.removesuffix('.bin')} (*"))
