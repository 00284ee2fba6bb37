# SPDX-License-Identifier: Apache-2.0
"""Slow clients of the API and content servers that trickle, many at once (THREATS.md P15): facts, no times. The figures are those of
./dev soak --only crowd."""
import json
import sys

import pytest

from bed import ROOT
from bed.content import ContentServer, make_file
from bed.crowd import KINDS, SlowClients, TricklingServers, send
from bed.device import Device
from bed.place import Place
from bed.process import wait_until

sys.path.insert(0, str(ROOT / "bench"))
import measure  # noqa: E402

CLIENTS, SERVERS = 1000, 200
# 96 KiB for each slow client and 384 KiB for each slow transfer: what they are promised, far above what they took (95 MB in all).
GROWTH = CLIENTS * (96 << 10) + SERVERS * (384 << 10)
CONFIG = (f'[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nconnections = {CLIENTS + 24}\nrunning_at_once = {SERVERS + 8}\n'
          f"running_per_account = {SERVERS}\n")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A place with the whole crowd of ben in it; ana is there as well."""
    work = tmp_path_factory.mktemp("crowd")
    place = Place(work / "place", CONFIG).start()
    parts = []
    try:
        place.tokens = {}
        for name in ("ana", "ben"):
            place.add_user(name)
            device = Device(work / name)
            device.connect("home", place.pair(name))
            place.tokens[name] = device.token()
        place.before = measure.pss_bytes(place.program.pid)
        place.servers = TricklingServers(SERVERS)
        parts.append(place.servers)
        place.slow = send(place, place.tokens["ben"], place.servers.urls)
        wait_until("every slow server to be asked", lambda: place.servers.asked >= SERVERS, 60)
        place.clients = SlowClients(place, place.tokens["ben"], CLIENTS)
        parts.append(place.clients)
        yield place
    finally:
        for part in parts:
            part.stop()
        place.stop()


def test_others_are_answered_and_their_downloads_go_on_beside_the_crowd(crowded, work):
    content = ContentServer(work / "content").start()
    try:
        make_file(content.root / "a.bin", 3_000_000, 1)
        job = send(crowded, crowded.tokens["ana"], [f"{content.url}/a.bin"])[0]

        answers = [crowded.get("/v1/jobs", crowded.tokens["ana"])[0] for _ in range(100)]
        done = wait_until("ana's download", lambda: json.loads(crowded.get(f"/v1/jobs/{job}", crowded.tokens["ana"])[2])["state"] == "done")

        assert answers == [200] * 100 and done
        assert len(crowded.clients.open) >= CLIENTS // 2, "the crowd has gone: this proved nothing"
        assert crowded.servers.asked == SERVERS, "no slow download was begun again"
    finally:
        content.stop()


def test_a_crowd_takes_no_more_memory_than_each_of_it_is_promised(crowded):
    grown = measure.pss_bytes(crowded.program.pid) - crowded.before

    assert len(crowded.clients.open) >= CLIENTS // 2
    assert grown <= GROWTH, f"{grown >> 20} MiB"


def test_who_comes_when_all_connections_are_taken_is_told_so(crowded):
    more = SlowClients(crowded, crowded.tokens["ben"], 200)
    try:
        wait_until("a refusal", lambda: more.refusals())
        refused = more.refusals()
    finally:
        more.stop()

    assert all(how.startswith("503 busy") for kind, how in refused), refused
    assert {kind for kind, how in refused} <= set(KINDS)


def test_the_end_of_a_download_harms_none_beside_it(work):
    """Each lasts long enough for its progress to be told, and what is told of it ends with its end."""
    content = ContentServer(work / "content", rate="100k").start()
    place = Place(work / "place").start()
    try:
        for number in range(64):
            make_file(content.root / f"{number}.bin", 250_000 + number, number)
        place.add_user("ana")
        device = Device(work / "ana")
        device.connect("home", place.pair("ana"))
        token = device.token()

        jobs = send(place, token, [f"{content.url}/{number}.bin" for number in range(64)])

        def states():
            return {json.loads(place.get(f"/v1/jobs/{job}", token)[2])["state"] for job in jobs}

        wait_until("all downloads", lambda: states() == {"done"}, 120, 0.5)
        assert "ended: signal" not in place.log()
    finally:
        place.stop()
        content.stop()
