# SPDX-License-Identifier: Apache-2.0
"""`restante capture`: what a browser or another program would download comes to the files of the place, byte by byte."""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import pty
import threading

import pytest

from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place

RECORDED = "127.0.0.1:48080"
RECORDINGS = pathlib.Path(os.environ.get("RESTANTE_DEVTOOLS", pathlib.Path(__file__).resolve().parents[1] / "devtools")) / "recordings"
# As the developer tools of Debian's Chromium copy it (tests/devtools/corpus).
FROM_CHROMIUM = """curl --url '{url}' \\
  -H 'Accept: */*' \\
  -H 'Connection: keep-alive' \\
  -b 'theme=dark; entry=granted' \\
  -H 'Referer: {url}' \\
  -H 'sec-ch-ua: "Chromium";v="156"'
"""
ONLY_WITH_COOKIE = """
location = /course/download { return 302 /course/lecture.bin; }
location /course/ { if ($cookie_entry != "granted") { return 403; } add_header Content-Disposition attachment; }
"""


class House:
    def __init__(self, work: pathlib.Path):
        self.content = ContentServer(work / "content", extra=ONLY_WITH_COOKIE).start()
        (self.content.root / "course").mkdir()
        self.lecture = make_file(self.content.root / "course" / "lecture.bin", 300_000, 7)
        self.place = Place(work / "p").start()
        self.place.add_user("ana")
        self.ana = Device(work / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        self.work = work

    def stop(self) -> None:
        self.place.stop()
        self.content.stop()

    def capture(self, kind: str, text: str, *options, check: bool | int = True):
        return self.ana.run("--json", "capture", kind, "--wait", *options, input=text, check=check)

    def digests(self, done) -> list[str]:
        """Of what came to the device, in the order of the requests."""
        jobs = [json.loads(line) for line in done.stdout.splitlines()]
        folder = self.work / "got"
        folder.mkdir(exist_ok=True)
        found = []
        for job in jobs:
            assert job["state"] == "done", job
            name = self.name(job["id"])
            self.ana.run("get", name, "-f", "-o", folder)
            found.append(hashlib.sha256((folder / name.rpartition("/")[2]).read_bytes()).hexdigest())
        return found

    def name(self, job: str) -> str:
        return self.ana.json("show", job)[0]["files"][0]["name"]

    def dry(self, kind: str, text: str, *options) -> tuple[list[dict], str]:
        done = self.ana.run("capture", kind, "--dry-run", *options, input=text)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("c"))
    yield house
    house.stop()


def recording(house, name: str) -> str:
    return (RECORDINGS / name).read_text().replace(RECORDED, f"127.0.0.1:{house.content.port}")


def test_a_command_of_chromium_opens_what_only_a_cookie_opens(house):
    url = f"{house.content.url}/course/lecture.bin"

    assert house.digests(house.capture("curl", FROM_CHROMIUM.format(url=url))) == [house.lecture]
    assert house.capture("curl", f"curl {url}\n", check=1)


@pytest.mark.parametrize("name", ["chromium.har", "firefox.har", "playwright.har"])
def test_a_recording_of_a_browser_brings_the_download_that_was_recorded(house, name):
    assert house.digests(house.capture("har", recording(house, name))) == [house.lecture]


def test_a_recording_without_secrets_says_what_is_missing(house):
    done = house.capture("har", recording(house, "chromium-sanitized.har"), check=1)

    assert "no cookies and no sign-in in the recording" in done.stderr
    assert json.loads(done.stdout.splitlines()[0])["reason"] == "forbidden"


def test_a_form_is_posted_again(house):
    asked = []

    class Form(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Disposition", 'attachment; filename="report.csv"')
            self.end_headers()
            self.wfile.write(b"a,b\n")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Form)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = house.capture("curl", f"curl 'http://127.0.0.1:{server.server_port}/report' --data-raw 'from=1&to=%26'\n", "--no-probe")
    finally:
        server.shutdown()
        server.server_close()

    assert asked == [b"from=1&to=%26"]
    assert house.digests(done) == [hashlib.sha256(b"a,b\n").hexdigest()]


def test_a_metalink_is_taken_from_the_mirror_that_works(house):
    digest = make_file(house.content.root / "image.iso", 200_000, 11)
    metalink = f"""<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="image.iso"><size>200000</size><hash type="sha-256">{digest}</hash>
<url priority="1">{house.content.url}/nowhere.iso</url><url priority="2">{house.content.url}/image.iso</url></file></metalink>"""

    done = house.capture("metalink", metalink, "--folder", "images")

    assert house.digests(done) == [digest]
    assert house.name(json.loads(done.stdout)["id"]) == "images/image.iso"


def test_lists_of_addresses_and_files_of_aria2_are_told_apart(house):
    digests = [make_file(house.content.root / f"part{i}.bin", 50_000 + i, i) for i in range(3)]
    urls = [f"{house.content.url}/part{i}.bin" for i in range(3)]

    plain = house.capture("list", "\n".join(urls[:2]) + "\n")
    aria2 = house.capture("list", f"{house.content.url}/gone.bin\t{urls[2]}\n  out=third.bin\n  dir=parts\n")
    other = house.ana.run("capture", "list", input=f"curl {urls[0]}\n", check=2)

    assert sorted(house.digests(plain)) == sorted(digests[:2])
    assert house.digests(aria2) == digests[2:]
    assert "`restante capture curl` reads it" in other.stderr


def test_a_dry_run_shows_what_was_understood_and_sends_nothing(house):
    url = f"{house.content.url}/course/lecture.bin"
    before = len(house.ana.json("list"))

    hidden, told = house.dry("curl", FROM_CHROMIUM.format(url=url) + "ls /tmp\n", "--name", "l7.bin", "--at", "+2h", "--folder", "c")
    shown, _ = house.dry("curl", FROM_CHROMIUM.format(url=url), "--show-secrets")

    what = hidden[0]["what"]
    assert (what["folder"], what["files"][0]["name"], what["files"][0]["sources"][0]["url"]) == ("c", "l7.bin", url)
    assert "start" in hidden[0]["when"] and "granted" not in json.dumps(hidden) and "***" in json.dumps(hidden)
    assert "granted" in json.dumps(shown)
    assert "left out: line 7: it is no curl command" in told
    assert len(house.ana.json("list")) == before


def test_a_dry_run_needs_no_place(work):
    alone = Device(work / "alone")

    done = alone.run("capture", "list", "--dry-run", input="https://files.example/a.bin\n")

    assert json.loads(done.stdout)["aud"] == [{"jkt": "A" * 43}]
    assert alone.run("capture", "list", input="https://files.example/a.bin\n", check=False).returncode != 0


@pytest.mark.parametrize("many", [False, True])
def test_what_waits_for_the_place_shows_no_secret_and_goes_later(house, many):
    urls = [f"{house.content.url}/course/lecture.bin?{i}" for i in range(21 if many else 1)]
    text = "\n".join(f"curl '{url}' -b 'entry=granted' -H 'X-Key: S3CR3T'" for url in urls)
    known = {job["id"] for job in house.ana.json("list")}
    house.place.stop()

    waiting = house.ana.run("capture", "curl", input=text + "\n", check=3)
    kept = b"".join(path.read_bytes() for path in house.ana.home.rglob("*") if path.is_file())
    house.place.start()
    house.ana.run("outbox", "flush")

    assert "waits in the outbox" in waiting.stderr
    assert b"S3CR3T" not in kept and b"granted" not in kept
    assert len({job["id"] for job in house.ana.json("list")} - known) == len(urls)


def test_a_long_command_is_pasted_at_a_terminal_in_whole(house):
    """A terminal hands lines on, and cuts what of one is longer than 4 KiB."""
    cookie = "a" * 3000 + "b" * 3000
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(house.ana.environment())
        command = house.ana.command("capture", "curl", "--dry-run", "--show-secrets")
        os.execv(command[0], command)
    shown = b""
    while b"Ctrl-D" not in shown:
        shown += os.read(terminal, 4096)
    shown, pasted = b"", f"curl 'https://files.example/a' -b 'sid={cookie}'\n\x04".encode()
    with contextlib.suppress(OSError):
        while pasted:  # what it echoes has to be read meanwhile
            pasted = pasted[os.write(terminal, pasted[:1000]):]
            shown += os.read(terminal, 65536)
        while piece := os.read(terminal, 65536):
            shown += piece
    os.close(terminal)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert f'"value":"{cookie}"' in shown.decode()


def test_what_cannot_be_asked_for_ends_with_an_error(house):
    nothing = house.ana.run("capture", "curl", input="curl -X DELETE https://files.example/a\n", check=1)
    empty = house.ana.run("capture", "curl", input="\n", check=2)
    twice = house.ana.run("capture", "curl", "--secret-stdin", input="curl https://files.example/a\n", check=2)
    single = house.ana.run("capture", "list", "--name", "x", input="https://files.example/a\nhttps://files.example/b\n", check=2)

    assert "only GET and POST" in nothing.stderr and "nothing in it can be downloaded" in nothing.stderr
    assert "nothing in stdin" in empty.stderr
    assert "both want stdin" in twice.stderr
    assert "--name belongs to one URL" in single.stderr
