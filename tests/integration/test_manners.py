# SPDX-License-Identifier: Apache-2.0
"""How content servers are treated: few connections, pauses, and links that work only once."""
import http.server
import pathlib
import shutil
import tempfile
import threading
import time

import pytest

from bed.device import Device
from bed.documents import document, submit
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

CONFIG = ALLOW_LOOPBACK + """
[limits]
connections_per_server = 6
[[servers]]
host = "127.0.0.2"
connections = 1
[[servers]]
host = "127.0.0.3"
pause = "1s"
"""


class Server(http.server.ThreadingHTTPServer):
    """Counts what it is asked. /busy/N refuses N times with 503 and no time; /slow/ takes a while."""
    daemon_threads = True

    def __init__(self, address: str):
        self.lock = threading.Lock()
        self.asked: list[tuple[str, str, float]] = []  # method, path, when
        self.at_once = self.most_at_once = 0
        super().__init__((address, 0), Handler)
        self.url = f"http://{address}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def paths(self, prefix: str) -> list[str]:
        with self.lock:
            return [f"{method} {path}" for method, path, _ in self.asked if path.startswith(prefix)]

    def times(self, prefix: str) -> list[float]:
        with self.lock:
            return [when for _, path, when in self.asked if path.startswith(prefix)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body: bytes):
        with self.server.lock:
            before = sum(path == self.path for _, path, _ in self.server.asked)
            self.server.asked.append((self.command, self.path, time.monotonic()))
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            if self.path.startswith("/slow/"):
                threading.Event().wait(0.4)
            kind, _, rest = self.path[1:].partition("/")
            refused = kind == "busy" and before < int(rest.split("/")[0])
            gone = kind == "once" and before > 0
            self.send_response(503 if refused else 410 if gone else 200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(0 if refused or gone else len(body)))
            self.end_headers()
            if self.command == "GET" and not refused and not gone:
                self.wfile.write(body)
        finally:
            with self.server.lock:
                self.server.at_once -= 1

    def do_GET(self):
        self.answer(b"content " * 1000)

    do_HEAD = do_GET


class Stage:
    def __init__(self, folder: pathlib.Path):
        self.server, self.single, self.pausing = (Server(f"127.0.0.{i}") for i in (1, 2, 3))
        self.place = Place(folder / "place", CONFIG).start()
        self.devices = {}
        for name in ("ana", "ben"):
            self.place.add_user(name)
            self.devices[name] = Device(folder / name)
            self.devices[name].connect("home", self.place.pair(name))
        self.ana, self.ben = self.devices.values()

    def close(self):
        self.place.stop()
        for one in (self.server, self.single, self.pausing):
            one.shutdown()
            one.server_close()


@pytest.fixture(scope="module")
def stage():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    one = Stage(folder)
    yield one
    one.close()
    shutil.rmtree(folder, ignore_errors=True)


def state(device: Device, job: str) -> str:
    return device.json("show", job)[0]["state"]


def wait_for(device: Device, jobs: list[dict]):
    wait_until("the downloads", lambda: all(state(device, job["id"]) == "done" for job in jobs), pause=0.1)


def test_a_server_has_no_more_connections_than_the_operator_wants(stage):
    urls = [f"{stage.single.url}/slow/{i}" for i in range(4)]
    jobs = stage.ana.json("send", *urls[:3], "--no-probe")
    others = stage.ben.json("send", urls[3], "--no-probe")
    wait_for(stage.ana, jobs)
    wait_for(stage.ben, others)
    assert stage.single.most_at_once == 1


def test_a_pause_lies_between_two_requests_of_anybody(stage):
    jobs = stage.ana.json("send", *(f"{stage.pausing.url}/pause/{i}" for i in range(2)), "--no-probe")
    others = stage.ben.json("send", f"{stage.pausing.url}/pause/ben", "--no-probe")
    wait_for(stage.ana, jobs)
    wait_for(stage.ben, others)
    times = stage.pausing.times("/pause/")
    assert len(times) == 3 and all(later - before > 0.9 for before, later in zip(times, times[1:], strict=False)), times


def test_a_refusal_without_a_time_keeps_everybody_away_for_a_while(stage):
    first = stage.ana.json("send", f"{stage.server.url}/busy/1/a", "--no-probe")
    wait_until("the refusal", lambda: stage.server.paths("/busy/"))
    other = stage.ben.json("send", f"{stage.server.url}/busy/0/b", "--no-probe")
    wait_for(stage.ana, first)
    wait_for(stage.ben, other)
    times = stage.server.times("/busy/")
    assert len(times) == 3 and times[1] - times[0] > 0.7, times


@pytest.mark.parametrize("way", ["now", "later", "one of many", "over the API", "as a request in a file"])
def test_a_link_that_works_once_is_asked_for_once(stage, work, way):
    name = way.replace(" ", "-")
    url = f"{stage.server.url}/once/{name}"
    if way == "now":
        job = stage.ana.json("send", url, "--no-probe")[0]
    elif way == "later":
        job = stage.ana.json("send", url, "--no-probe", "--at", "+1s")[0]
    elif way == "one of many":
        job = stage.ana.json("send", *(f"{stage.server.url}/busy/0/{i}" for i in range(8)), url, "--no-probe")[-1]
    elif way == "over the API":
        status, job = submit(stage.place, stage.ana.token(), document(stage.place, url, name=name))
        assert status in (200, 201, 202), job
    else:
        stage.ana.run("make", url, "--no-probe", "-o", work / "it.rst")
        stage.place.run("receive", input=(work / "it.rst").read_text())
        job = stage.ana.json("list")[0]
    wait_for(stage.ana, [job])
    stage.ana.run("show", job["id"])
    assert stage.server.paths(f"/once/{name}") == [f"GET /once/{name}"]
