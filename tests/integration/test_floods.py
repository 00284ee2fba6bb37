# SPDX-License-Identifier: Apache-2.0
"""Connections that a stranger opens and leaves open take nothing that downloads need."""
import socket
import time

import pytest

from bed.device import Device
from bed.place import Place
from bed.process import wait_until

HEAD = b"POST /v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"


def flood(place: Place, count: int) -> list[socket.socket]:
    host, port = place.listen[0].rsplit(":", 1)
    held = []
    for _ in range(count):
        one = socket.create_connection((host, int(port)), timeout=10)
        held.append(one)
        try:
            one.sendall(HEAD)
        except OSError:
            pass  # refused already
    return held


@pytest.fixture
def limited_place(work):
    """start("SOFT:HARD"): a place whose process may open so many files."""
    started = []

    def start(files: str) -> Place:
        place = Place(work / "limited", prefix=["prlimit", f"--nofile={files}"])
        started.append(place)
        place.start()
        place.add_user("ana")
        return place
    yield start
    for place in started:
        place.stop()


def test_a_low_soft_limit_is_raised_for_the_connections(limited_place):
    place = limited_place("256:16384")
    held = flood(place, 400)
    status, _, _ = place.get("/healthz")
    for one in held:
        one.close()
    assert status == 200


def test_a_download_runs_at_its_time_while_strangers_hold_every_connection(work, limited_place, publish):
    place = limited_place("800:800")
    device = Device(work / "ana")
    device.connect("home", place.pair("ana"))
    url, _ = publish("a.bin")
    job = device.json("send", url, "--at", "+3s")[0]
    held = flood(place, 900)
    arrived = place.data / "areas" / "ana" / "a.bin"
    until = time.monotonic() + 20
    while not arrived.exists() and time.monotonic() < until:
        time.sleep(0.05)
    for one in held:
        one.close()
    assert arrived.exists()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        shown = device.run("--json", "show", job["id"], check=False)
        if shown.returncode == 0:
            break
        time.sleep(0.1)
    assert '"attempt":1,' in shown.stdout
    assert "only 96 of 4096 connections" in place.log()


SILENT_OF_LOOPBACK = 1024


def test_one_address_cannot_take_the_connections_of_others(limited_place):
    place = limited_place("16384:16384")
    address = ("127.0.0.1", int(place.listen[0].rsplit(":", 1)[1]))
    silent = [socket.create_connection(address, timeout=10) for _ in range(SILENT_OF_LOOPBACK)]

    with socket.create_connection(address, timeout=10) as one_more:
        refused = one_more.recv(100)
    with socket.create_connection(address, timeout=10, source_address=("127.0.0.2", 0)) as other:
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answered = other.recv(100)
    for one in silent:
        one.close()

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert answered.startswith(b"HTTP/1.1 200 ")
    wait_until("room after they left", lambda: place.get("/healthz")[0] == 200)
