# SPDX-License-Identifier: Apache-2.0
"""Credentials reach the servers they belong to, and nothing else."""
import http.server
import os
import pathlib
import threading

import pytest
from bed.content import ContentServer, make_file

CANARY = "K4N4RY-7c1f0a2d9e84"


class Sink:
    """A content server that writes down the headers of every request; `answer` decides what is sent."""

    def __init__(self, answer=None):
        sink = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                sink.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, headers, body = answer(self) if answer else (200, {}, b"content of the sink")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def text(self) -> str:
        return repr(self.seen)


@pytest.fixture
def sinks():
    made = []

    def make(answer=None):
        made.append(Sink(answer))
        return made[-1]
    yield make
    for sink in made:
        sink.close()


def test_a_file_behind_a_password_is_fetched(content, ana):
    make_file(content.root / "private" / "notes.pdf", 1000, 1)

    job, = ana.json("send", f"{content.url}/private/notes.pdf", "--user", "ana", "--secret-stdin", "--wait", input="open sesame\n")

    assert job["state"] == "done"


def test_without_a_password_it_says_that_one_is_needed(content, ana):
    make_file(content.root / "private" / "notes.pdf", 1000, 1)

    job, = ana.json("send", f"{content.url}/private/notes.pdf", "--wait", check=1)

    assert job["reason"] == "auth-required" and job["attempt"] == 1


def test_a_wrong_password_is_tried_once(content, ana):
    make_file(content.root / "private" / "notes.pdf", 1000, 1)

    done = ana.run("--json", "send", f"{content.url}/private/notes.pdf", "--user", "ana", "--secret-stdin", "--no-probe", "--wait",
                   input="wrong\n", check=1)

    assert '"auth-expired"' in done.stdout or '"auth-required"' in done.stdout
    assert len([line for line in content.requests() if "notes.pdf" in line]) == 1


def test_user_information_in_a_url_becomes_a_credential(content, ana):
    make_file(content.root / "private" / "notes.pdf", 1000, 1)
    url = f"{content.url}/private/notes.pdf".replace("http://", "http://ana:open%20sesame@")

    job, = ana.json("send", url, "--wait")

    assert job["state"] == "done" and "sesame" not in ana.run("--json", "show", job["id"]).stdout


@pytest.mark.parametrize("kind", ["basic", "header", "bearer", "cookie"])
def test_no_secret_follows_a_redirect_to_another_origin(sinks, ana, work, kind):
    far = sinks()
    near = sinks(lambda request: (302, {"Location": far.url + "/x.bin"}, b""))
    options, secret = {
        "basic": (["--user", "ana", "--secret-stdin"], CANARY),
        "header": (["--header", f"X-Api-Key: {CANARY}"], None),
        "bearer": (["--header", f"Authorization: Bearer {CANARY}"], None),
        "cookie": (["--header", f"Cookie: session={CANARY}"], None),
    }[kind]

    ana.json("send", near.url + "/x.bin", *options, "--wait", "--no-probe", input=f"{secret}\n" if secret else None)

    import base64
    basic = base64.b64encode(f"ana:{CANARY}".encode()).decode()
    assert CANARY in near.text() or basic in near.text(), "the credential never reached its own server"
    assert far.seen and CANARY not in far.text() and basic not in far.text()


def test_cookies_from_a_file_go_to_their_own_host_only(sinks, ana, work):
    sink = sinks()
    jar = work / "cookies.txt"
    jar.write_text("# Netscape HTTP Cookie File\n"
                   f"127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{CANARY}\n"
                   "elsewhere.example\tFALSE\t/\tFALSE\t0\tother\tforeign-cookie\n")

    ana.json("send", sink.url + "/x.bin", "--cookies", jar, "--wait", "--no-probe")

    assert sink.seen[0][1]["cookie"] == f"session={CANARY}"


def test_canaries_appear_nowhere_at_rest_or_in_processes(sinks, content, ana, place, work):
    sink = sinks()
    make_file(content.root / "private" / "notes.pdf", 1000, 1)
    ana.json("send", sink.url + f"/x.bin?token={CANARY}", "--header", f"Authorization: Bearer {CANARY}", "--at", "+1w", "--no-probe")
    ana.json("send", f"{content.url}/private/notes.pdf", "--user", CANARY, "--secret-stdin", "--wait", input=CANARY + "\n", check=1)
    for name in ("X-Api-Key", "PRIVATE-TOKEN", "X-Custom"):
        ana.json("send", sink.url + "/y.bin", "--header", f"{name}: {CANARY}", "--wait")
    assert CANARY in sink.text(), "the headers never reached their own server"

    processes = ""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                processes += (entry / "cmdline").read_text(errors="replace") + (entry / "environ").read_text(errors="replace")
            except OSError:
                continue
    shown = "".join(ana.run("--json", "show", job["id"]).stdout for job in ana.json("list"))

    assert CANARY not in processes.replace(os.environ.get("PYTEST_CURRENT_TEST", ""), "")
    assert CANARY not in place.log()
    assert CANARY not in "".join(p for p in [shown] if "token=" not in p)
    for path in place.data.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            # A query may be part of what identifies the content; headers, names and passwords never are.
            assert CANARY.encode() not in held.replace(f"token={CANARY}".encode(), b""), path


def test_the_outbox_keeps_secrets_sealed(ana, place, content):
    place.stop()

    ana.run("send", f"{content.url}/x", "--user", "ana", "--secret-stdin", input=CANARY + "\n", check=3)

    for path in ana.home.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
            assert path.stat().st_mode & 0o077 == 0, path
