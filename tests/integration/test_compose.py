# SPDX-License-Identifier: Apache-2.0
"""What a person pasted, from POST /v1/compose over POST /v1/probe to the download: real curl and the place send the same."""
import http.server
import json
import subprocess
import threading

import pytest

from bed.process import wait_until

JSON = {"Content-Type": "application/json"}
OCTETS = {"Content-Type": "application/octet-stream"}
OWN = {"host", "connection", "accept-encoding", "user-agent", "accept", "want-repr-digest"}  # of curl and of the place themselves

COMMANDS = {
    "cookies and headers": "curl '{url}/a.bin?x=%20&y=1' -H 'Referer: {url}/course' -H 'X-Key: S3CR3T' -b 'sid=S3CR3T; theme=dark'",
    "a sign-in": "curl -u 'ana:S3CR3T p' {url}/a.bin",
    "a form": "curl {url}/a.bin -d 'a=1&b=2' --data-urlencode 'c=d e&f'",
    "a body of JSON": "curl '{url}/a.bin' -X POST -H 'content-type: application/json' --data-raw $'{{\"q\":\"it\\'s \\u00fc\"}}'",
    "a form with fields": "curl {url}/a.bin -F 'a=1;type=text/plain' --form-string 'b=@x'",
    "fields in the address": "curl -G {url}/a.bin -d q=1 --data-urlencode 'n=a b'",
}


class Echo:
    """A content server that keeps what it was asked."""

    def __init__(self):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("Content-Length", "10")
                self.send_header("ETag", '"1"')
                self.end_headers()
                self.wfile.write(b"0123456789")

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.stop()


def compose(place, ana, text: str) -> dict:
    status, _, body = place.get("/v1/compose", ana.token(), "POST", text.encode(), OCTETS)
    assert status == 200, body
    return json.loads(body)


def comparable(asked) -> tuple:
    command, path, headers, body = asked
    boundary = headers.get("content-type", "").partition("boundary=")[2]
    kept = {name: value for name, value in headers.items() if name not in OWN and name != "content-length"}
    if boundary:
        kept["content-type"] = kept["content-type"].replace(boundary, "B")
        body = body.replace(boundary.encode(), b"B")
    return command, path, kept, body


def test_real_curl_and_the_place_ask_for_the_same(place, ana, echo):
    for what, command in COMMANDS.items():
        command = command.format(url=echo.url)
        subprocess.run(["bash", "-c", command + " -s -o /dev/null"], check=True, timeout=20)
        by_curl = comparable(echo.asked[-1])
        echo.asked.clear()

        one, = compose(place, ana, command)["requests"]
        status, _, body = place.get("/v1/proxies", ana.token(), "POST", json.dumps(one["core"]).encode(), JSON)
        assert status == 202, (what, body)
        job = json.loads(body)["id"]
        wait_until("the end", lambda: ana.json("show", job)[0]["state"] in ("done", "failed", "held"))

        assert ana.json("show", job)[0]["state"] == "done", what
        assert comparable(echo.asked[-1]) == by_curl, what
        assert "S3CR3T" not in json.dumps({name: value for name, value in one.items() if name != "core"}), what


def test_a_look_tells_what_is_there_and_keeps_nothing(place, ana, publish):
    url, _ = publish("film.bin", 100_000)
    one, = compose(place, ana, f"See {url}.")["requests"]

    status, _, body = place.get("/v1/probe", ana.token(), "POST", json.dumps(one["core"]).encode(), JSON)
    looked = json.loads(body)["files"]
    missing = compose(place, ana, f"{url}.nowhere")["requests"][0]["core"]
    refused = json.loads(place.get("/v1/probe", ana.token(), "POST", json.dumps(missing).encode(), JSON)[2])["files"]

    assert status == 200 and looked[0]["probe"]["size_bytes"] == 100_000 and looked[0]["probe"]["name"] == "film.bin"
    assert refused[0]["probe"]["refused"] == "not-found"
    assert ana.json("list") == []


def test_nothing_of_what_was_pasted_is_logged(place, ana):
    compose(place, ana, "curl -H 'Authorization: Bearer S3CR3T' https://a.example/?S3CR3T -d S3CR3T\nhttps://x:S3CR3T@b.example/")

    assert "S3CR3T" not in place.log()
