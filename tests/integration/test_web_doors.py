# SPDX-License-Identifier: Apache-2.0
"""Who gets in, through the real server: names of hosts, credentials, guessing, and what a lost right ends (THREATS.md D1-D4,
D10, D11). The rules for every route are in tests/api/doors_test.cpp."""
import base64
import http.client
import json
import pathlib
import re
import shutil
import socket
import sqlite3
import tempfile
import threading
import time

import pytest
import yaml
from bed import ROOT
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place
from bed.process import wait_until

PASSWORD = "correct horse battery"
CONTRACT = yaml.safe_load((ROOT / "contract" / "openapi.yaml").read_text())
BIG = 64 << 20  # more than the sockets between two programs hold
SOON = 1.0      # seconds in which a lost right counts everywhere


@pytest.fixture(scope="module")
def house():
    """A place with ana (who has a large file, and a download that runs) and the admin root."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    content = ContentServer(work / "content").start()
    place = Place(work / "place").start()
    place.add_user("root", "--role", "admin", password=PASSWORD)
    place.add_user("ana", password=PASSWORD)
    ana = Device(work / "ana")
    ana.connect("home", place.pair("ana"))
    make_file(content.root / "big.bin", BIG, 1)
    ana.json("send", f"{content.url}/big.bin", "--wait")
    ana.json("send", "http://127.0.0.1:9/x", "--at", "+1w", "--no-probe")
    wait_until("the digest", lambda: ana.json("files")[0].get("sha256"), 60)
    yield place, ana
    place.stop()
    content.stop()
    shutil.rmtree(work, ignore_errors=True)


def rows(place) -> str:
    with sqlite3.connect(f"file:{place.data}/restante.db?mode=ro", uri=True) as database:
        return "\n".join(database.iterdump())


def raw(place, request: bytes, source: str = "127.0.0.1") -> bytes:
    address, port = place.listen[0].split(":")
    with socket.create_connection((address, int(port)), timeout=10, source_address=(source, 0)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def sign_in(place, password, user="ana", source="127.0.0.1", headers=(), **members):
    """(status, Set-Cookie, body) of one sign-in."""
    body = json.dumps({"user": user, "password": password, **members}).encode()
    lines = [f"Host: {place.listen[0]}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", *headers]
    answer = raw(place, ("POST /v1/session HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + body, source)
    head, _, content = answer.partition(b"\r\n\r\n")
    cookie = re.search(rb"(?i)\r\nset-cookie: ([^;]+)", head)
    return int(head.split()[1]), cookie and cookie.group(1).decode(), content


def browser(place):
    """Signs in as a page of ours does: (headers of its requests, its CSRF token)."""
    status, cookie, body = sign_in(place, PASSWORD, headers=[f"Origin: {place.url}"], cookie=True)
    assert status == 201
    return {"Cookie": cookie, "Origin": place.url}, json.loads(body)["csrf"]


# D1


@pytest.mark.parametrize("head", [
    "POST {path} HTTP/1.1\r\nHost: evil.example\r\n",
    "POST {path} HTTP/1.1\r\nHost: evil.example:{port}\r\n",
    "POST {path} HTTP/1.1\r\nHost: [2001:db8::1]:{port}\r\n",
    "POST {path} HTTP/1.1\r\nHost: [::ffff:192.0.2.1]\r\n",
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n",
    "POST {path} HTTP/1.1\r\nHost: 2130706433\r\n",
    "POST http://evil.example{path} HTTP/1.1\r\nHost: evil.example\r\n",
    "POST http://evil.example{path} HTTP/1.1\r\nHost: {host}\r\n",
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n",
    "POST {path} HTTP/1.1\r\nHost: evil.example\r\nHost: {host}\r\n",
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n",
    "POST {path} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: {host}\r\nForwarded: host={host}\r\n",
])
def test_whoever_asks_for_another_place_is_misdirected_and_changes_nothing(house, head):
    place, ana = house
    before = rows(place)
    job = ana.json("list")[0]["id"]
    lines = head.format(path=f"/v1/jobs/{job}:pause", host=place.listen[0], port=place.listen[0].split(":")[1])

    answer = raw(place, (lines + f"Authorization: Bearer {ana.token()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").encode())

    assert answer.startswith(b"HTTP/1.1 421 ") and answer.count(b"HTTP/1.1 ") == 1
    assert rows(place) == before


# D2, D10


def test_nothing_is_free_for_this_machine(house):
    place, _ = house
    trusting = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "::1", "Forwarded": "for=127.0.0.1", "X-Forwarded-Proto": "https",
                "X-Remote-User": "root", "Remote-User": "root"}
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            if method == "parameters" or operation.get("x-open"):
                continue
            for headers in ({}, trusting):
                status = place.get(re.sub(r"{\w+}", "f" * 32, path), None, method.upper(), headers=headers)[0]
                assert status == 401, f"{method} {path}"


def test_a_fresh_place_has_no_way_in(work):
    place = Place(work / "fresh").start()
    try:
        for user, password in (("admin", "admin"), ("root", ""), ("admin", ""), ("", ""), ("restante", "restante")):
            assert sign_in(place, password, user)[0] in (400, 401)
        assert place.get("/v1/devices", method="POST", body=b'{"code":"","jwk":{},"proof":""}',
                         headers={"Content-Type": "application/json"})[0] in (400, 401)
        with sqlite3.connect(f"file:{place.data}/restante.db?mode=ro", uri=True) as database:
            for table in ("accounts", "devices", "sessions", "tokens", "pairings"):
                assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        place.add_user("ana")
        (row,) = [json.loads(line) for line in place.run("--json", "user", "list").stdout.splitlines()]
        assert (row["role"], row["lan"]) == ("user", False)
    finally:
        place.stop()


# D3


def test_looking_changes_nothing(house):
    place, ana = house
    detail = json.loads(place.get(f"/v1/jobs/{ana.json('list')[0]['id']}", ana.token())[2])
    ids = {"job": detail["id"], "file": ana.json("files")[0]["id"], "proxy": detail["proxy"], "index": "0"}
    headers, _ = browser(place)
    before = rows(place)

    asked = 0
    for path in CONTRACT["paths"]:
        for method in ("GET", "HEAD", "OPTIONS"):
            if path == "/v1/events":
                continue  # does not end
            filled = re.sub(r"{(\w+)}", lambda match: ids.get(match.group(1), "f" * 32), path)
            for credential in ({"Authorization": f"Bearer {ana.token()}"}, headers):
                place.get(filled, None, method, headers={**credential, "Range": "bytes=0-9"})
                asked += 1

    assert asked > 100 and rows(place) == before
    place.get(f"/v1/jobs/{ids['job']}:pause", ana.token(), "POST")
    assert rows(place) != before, "control: a change is seen"
    place.get(f"/v1/jobs/{ids['job']}:resume", ana.token(), "POST")


# D11


def test_guessing_is_slowed_down_by_name_and_by_address_and_locks_nobody_out(house):
    place, ana = house
    place.add_user("ben", password=PASSWORD)
    headers, _ = browser(place)

    spoofed = [sign_in(place, "wrong horse", "ana", "127.0.0.66", [f"X-Forwarded-For: 198.51.100.{n}"])[0] for n in range(3)]
    by_address = [sign_in(place, "wrong horse", f"nobody{n}", "127.0.0.66")[0] for n in range(11)]
    by_name = [sign_in(place, "wrong horse", "ben", f"127.0.1.{n + 1}")[0] for n in range(11)]

    assert spoofed == [403] * 3, "whoever says that it comes from elsewhere is no neighbour"
    assert by_address == [401] * 10 + [429] and by_name == [401] * 10 + [429]
    assert sign_in(place, PASSWORD, "ben", "127.0.1.99")[0] == 429, "the right one waits, too"
    assert sign_in(place, PASSWORD, "ana", "127.0.0.67")[0] == 201, "others do not"
    assert place.get("/v1/session", headers=headers)[0] == 200 and place.get("/v1/jobs", ana.token())[0] == 200


def test_a_known_name_is_answered_like_an_unknown_one(house):
    place, _ = house
    place.run("user", "add", "keyless", "--password-stdin", input="\n", check=False)

    answers = {sign_in(place, "wrong horse", user, f"127.0.2.{n + 1}")[2] for n, user in enumerate(("ana", "nobody", "keyless"))}

    assert len(answers) == 1


# What a lost right ends


class Pulling(threading.Thread):
    """Reads an answer slowly enough that it is under way, and tells when its connection ended."""

    def __init__(self, place, path, headers, pause=0.0):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection(place.listen[0], timeout=30)
        self.connection.request("GET", path, headers=headers)
        self.pause, self.got, self.ended, self.status = pause, 0, None, None
        self.begun = threading.Event()
        self.start()

    def run(self):
        try:
            answer = self.connection.getresponse()
            self.status = answer.status
            while piece := answer.read1(65536):
                self.got += len(piece)
                self.begun.set()
                threading.Event().wait(self.pause)
        except (OSError, http.client.HTTPException):
            pass
        self.ended = time.monotonic()
        self.begun.set()


def ways_out(place, ana, headers, csrf):
    """Takes the right of `headers` away: by what, and how."""
    def by_cookie(path, method="DELETE"):
        return place.get(path, None, method, headers={**headers, "X-CSRF-Token": csrf})[0]
    session = next(one["id"] for one in json.loads(place.get("/v1/devices", headers=headers)[2])["sessions"] if one["current"])
    return {"signed out": lambda: by_cookie("/v1/session"),
            "ended from a device": lambda: place.get(f"/v1/sessions/{session}", ana.token(), "DELETE")[0],
            "another password": lambda: place.run("user", "passwd", "ana", "--password-stdin", input=PASSWORD + "\n")}


@pytest.mark.parametrize("way", ["signed out", "ended from a device", "another password"])
def test_a_lost_right_ends_what_is_under_way(house, way):
    place, ana = house
    headers, csrf = browser(place)
    file = ana.json("files")[0]["id"]
    job = ana.json("list")[0]["id"]
    body = Pulling(place, f"/v1/files/{file}", headers, pause=0.05)
    events = Pulling(place, "/v1/events", headers)
    other = Pulling(place, f"/v1/files/{file}", {"Authorization": f"Bearer {ana.token()}"}, pause=0.05)
    assert all(one.begun.wait(90) and one.ended is None for one in (body, events, other))

    ways_out(place, ana, headers, csrf)[way]()
    at = time.monotonic()

    for path in ("/v1/jobs", f"/v1/files/{file}", f"/v1/jobs/{job}", "/v1/session"):
        assert place.get(path, headers=headers)[0] == 401
    wait_until("the end of the stream", lambda: events.ended)
    wait_until("the end of the body", lambda: body.ended)
    assert 0 < body.got < BIG, "cut, not finished"
    assert other.ended is None, "whoever has the right goes on"
    other.connection.sock.shutdown(socket.SHUT_RDWR)
    for what, one in (("events", events), ("body", body)):
        print(f"{way}: {what} ended after {one.ended - at:.2f} s")


def test_a_revoked_device_and_a_revoked_token_are_out_on_every_channel(house):
    place, ana = house
    phone = Device(ana.home.parent / "phone")
    phone.connect("home", place.pair("ana"))
    (made,) = ana.json("token", "new", "player")
    basic = {"Authorization": "Basic " + base64.b64encode(f"ana:{made['token']}".encode()).decode()}
    bearer = {"Authorization": f"Bearer {phone.token()}"}
    device = next(one["id"] for one in phone.json("device", "list") if one["current"])
    slow = next(job for job in ana.json("list") if job["state"] == "scheduled")
    watched = [Pulling(place, "/v1/events", headers) for headers in (basic, bearer)]
    assert all(one.begun.wait(90) for one in watched)
    assert place.get(f"/v1/jobs/{slow['id']}", headers=basic)[0] == place.get("/v1/files", headers=bearer)[0] == 200

    ana.run("device", "revoke", device)
    ana.run("token", "revoke", "player")

    for one in watched:
        wait_until("the end of a stream", lambda: one.ended)
    assert place.get("/v1/jobs", headers=basic)[0] == place.get("/v1/jobs", headers=bearer)[0] == 401
    phone.run("list", check=4)


def test_a_wait_that_is_under_way_ends_with_the_right(house, work):
    import bed.process as process
    place, ana = house
    headers, csrf = browser(place)
    silent = socket.create_server(("127.0.0.1", process.free_port()))  # takes the look-first and answers nothing
    url = f"http://127.0.0.1:{silent.getsockname()[1]}/never"
    sender = threading.Thread(target=lambda: ana.run("send", url, "--at", "+1w", check=False), daemon=True)
    sender.start()
    try:
        looked = wait_until("the job", lambda: next((job for job in ana.json("list") if job["name"].startswith("never")), None), 20)
        waiting = Pulling(place, f"/v1/jobs/{looked['id']}", {**headers, "Prefer": "wait=30"})
        began = time.monotonic()
        place.get("/v1/session", None, "DELETE", headers={**headers, "X-CSRF-Token": csrf})
        wait_until("the end of the wait", lambda: waiting.ended, 12)
        assert waiting.status == 401
        print(f"a wait ended after {waiting.ended - began:.2f} s")
    finally:
        silent.close()
        sender.join(40)


def test_the_pairing_code_of_a_removed_user_connects_nothing(house):
    place, ana = house
    place.add_user("cyd", password=PASSWORD)
    url = place.pair("cyd")
    place.run("user", "remove", "cyd")

    assert Device(ana.home.parent / "late").run("place", "add", "home", url, check=False).returncode != 0


# Tokens and users


def test_a_submit_token_hands_in_and_reads_nothing(house):
    place, ana = house
    secret = ana.run("token", "new", "doorbell", "--submit-only").stdout.strip()

    assert place.get("/v1/jobs", secret)[0] == place.get("/v1/files", secret)[0] == place.get("/v1/tokens", secret)[0] == 403
    assert [row["label"] for row in ana.json("token", "list")] == ["doorbell"]
    assert secret not in ana.run("token", "list").stdout + place.log()
    ana.run("token", "revoke", "doorbell")
    assert place.get("/v1/jobs", secret)[0] == 401


def test_users_are_changed_at_the_place_and_by_admins(house):
    place, ana = house
    admin = json.loads(sign_in(place, PASSWORD, "root")[2])["token"]

    place.run("user", "change", "ana", "--quota", "10G", "--lan", "yes")
    users = {user["name"]: user for user in json.loads(place.get("/v1/users", admin)[2])["users"]}
    place.run("user", "change", "ana", "--quota", "none", "--lan", "no")

    assert (users["ana"]["quota_bytes"], users["ana"]["lan"], users["ana"]["used_bytes"]) == (10 << 30, True, BIG)
    assert "big.bin" not in json.dumps(users)
    assert place.get("/v1/users", ana.token())[0] == 403
    assert place.run("user", "change", "root", "--role", "user", check=False).returncode == 1
    assert place.run("user", "remove", "root", check=False).returncode == 1
    assert place.run("user", "change", "ana", check=False).returncode == 2
