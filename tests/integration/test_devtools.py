# SPDX-License-Identifier: Apache-2.0
"""Commands that the developer tools of real browsers copied (tests/devtools): real curl and the place send the same request."""
import collections
import concurrent.futures
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

DEVTOOLS = pathlib.Path(__file__).resolve().parents[1] / "devtools"
sys.path.insert(0, str(DEVTOOLS))
from shells import cmd_words  # noqa: E402

# Another folder of the same form: what ./dev soak --only devtools has just recorded.
CORPORA = sorted((pathlib.Path(os.environ.get("RESTANTE_DEVTOOLS", DEVTOOLS)) / "corpus").glob("*.json"))

RECORDED = ("http://127.0.0.1:48080", "https://127.0.0.1:48443", "127.0.0.1:48080", "127.0.0.1:48443")
# What curl and the place make by themselves for the connection that they have, and not for the request.
OWN = {"host", "connection", "accept-encoding", "content-length", "te", "want-repr-digest", "expect"}
MOST_EXCEPTIONS = 6
ENDED = ("done", "failed", "held")


def spelled(target: str) -> str:
    """Browsers and curl send what no URI may hold (RFC 3986 section 2) as it is; documents hold it percent-encoded."""
    target = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", target)
    return re.sub(r"[\[\]{}|^`\\]", lambda sign: f"%{ord(sign[0]):02X}", target)


class Echo:
    """Keeps what it was asked, by the first segment of the path."""

    def __init__(self):
        asked = self.asked = collections.defaultdict(list)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = sorted((name.lower(), value) for name, value in self.headers.items() if name.lower() not in OWN)
                asked[self.path.split("/")[1]].append((self.command, spelled(self.path), headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def command(self, text: str) -> str:
        for recorded in RECORDED:
            text = text.replace(recorded, f"http://{self.host}" if "://" in recorded else self.host)
        return text

    def settled(self, value):
        """The same for every server."""
        return json.loads(json.dumps(value).replace(self.host, "HOST"))

    def requests(self, name: str) -> list:
        return self.settled([(method, path, headers, body.decode("latin-1")) for method, path, headers, body in self.asked[name]])

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def by_curl(echo: Echo, shell: str, command: str) -> None:
    command = echo.command(command)
    words = ["bash", "-c", f"{command} --silent"] if shell == "bash" else ["curl", *cmd_words(command)[1:], "--silent"]
    subprocess.run(words, check=True, timeout=20, stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})


@pytest.fixture(scope="module")
def ana(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devtools")
    place = Place(folder / "p", ALLOW_LOOPBACK + "[limits]\nrunning_at_once = 16\nrunning_per_origin = 16\n").start()
    place.add_user("ana")
    device = Device(folder / "ana")
    device.connect("home", place.pair("ana"))
    yield device
    place.stop()


@pytest.fixture(scope="module")
def differences(ana):
    """What real curl sends other than the place, by "browser shell name"."""
    corpora = {path.stem: json.loads(path.read_text())["entries"] for path in CORPORA}
    groups = [(browser, shell, [one for one in entries if one["shell"] == shell])
              for browser, entries in corpora.items() for shell in ("bash", "cmd")]
    servers = {(browser, shell): (Echo(), Echo()) for browser, shell, _ in groups}
    for browser, shell, entries in groups:
        text = "\n".join(servers[browser, shell][1].command(one["command"]) for one in entries)
        ana.run("capture", "curl", "--no-probe", "--max-attempts", 1, input=text + "\n")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda work: by_curl(*work), [(servers[browser, shell][0], shell, one["command"])
                                                   for browser, shell, entries in groups for one in entries]))
    wait_until("the end of all", lambda: all(job["state"] in ENDED for job in ana.json("list")), 60)
    found = {}
    for browser, shell, entries in groups:
        for one in entries:
            asked = [server.requests(one["name"]) for server in servers[browser, shell]]
            assert len(asked[0]) == 1, one["name"]
            if asked[0] != asked[1]:
                found[f"{browser} {shell} {one['name']}"] = asked
    for pair in servers.values():
        for server in pair:
            server.stop()
    return sum(len(entries) for _, _, entries in groups), found


def listed() -> dict:
    return json.loads((DEVTOOLS / "exceptions.json").read_text())


def test_real_curl_and_the_place_send_the_same_for_what_developer_tools_copy(differences):
    commands, found = differences

    assert commands >= 200
    assert {key: asked for key, asked in found.items() if key not in listed()} == {}


def test_each_listed_exception_differs_still_and_has_a_reason(differences):
    _, found = differences

    assert len(listed()) <= MOST_EXCEPTIONS
    assert [key for key, why in listed().items() if key not in found or not why] == []


def test_the_recorded_commands_ask_by_methods_that_requests_can_have():
    entries = [one for path in CORPORA for one in json.loads(path.read_text())["entries"]]

    assert {one["sent"]["method"] for one in entries} == {"GET", "POST"}
    assert len({one["command"] for one in entries}) >= 200
