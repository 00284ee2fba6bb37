# SPDX-License-Identifier: Apache-2.0
"""What the requesting device keeps for the next time: presets, and copies of requests that may go to another place."""
import datetime
import json
import os
import pty
import time

import pytest
from bed.content import ContentServer
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place

CANARY = "canary-Zk41qWx9"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    content = ContentServer(tmp_path_factory.mktemp("content")).start()
    (content.root / "week12.bin").write_bytes(b"week 12" * 1000)
    yield content
    content.stop()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The office in Paris and the hotel in New York."""
    made = []
    for name, zone in (("office", "Europe/Paris"), ("hotel", "America/New_York")):
        place = Place(tmp_path_factory.mktemp(name), ALLOW_LOOPBACK + f'[place]\ntime_zone = "{zone}"\n').start()
        place.add_user("ana")
        made.append(place)
    yield made
    for place in made:
        place.stop()


@pytest.fixture
def ana(tmp_path, places):
    device = Device(tmp_path / "ana")
    for name, place in zip(("office", "hotel"), places):
        device.connect(name, place.pair("ana"))
    return device


def day(offset: int) -> str:
    return (datetime.date.today() + datetime.timedelta(days=offset)).isoformat()


def waiting(device, place) -> list[dict]:
    return [job for job in device.json("list", "--place", place) if job["state"] in ("scheduled", "waiting")]


def test_a_preset_gives_what_the_command_line_leaves_out(ana, content):
    ana.run("preset", "save", "lectures", "--base", content.url, "--folder", "lectures", "--no-probe", "--to", "office")

    first = ana.json("send", "--preset", "lectures", "week12.bin", "--wait")[0]
    other = ana.json("send", "--preset", "lectures", "week12.bin", "--folder", "else", "--wait")[0]

    names = {file["name"] for file in ana.json("files", "--place", "office")}
    assert first["state"] == other["state"] == "done"
    assert {"lectures/week12.bin", "else/week12.bin"} <= names, "what is given wins"
    refused = ana.run("send", "--preset", "lectures", "../week12.bin", check=2)
    assert "leads out of" in refused.stderr


def test_what_waits_goes_along_when_a_trip_leads_elsewhere(ana, content):
    ana.run("trip", "add", "office", "--from", day(0), "--until", day(5))
    sent = ana.json("send", content.url + "/week12.bin", "--to", "trip", "--at", "tomorrow 02:00", "--header", f"X-Key: {CANARY}")[0]
    before = ana.json("show", sent["id"], "--place", "office")[0]
    for path in (ana.home / "restante").rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), f"{path} is sealed"

    told = ana.run("trip", "change", "office", "--to", "hotel")
    moved = ana.run("--json", "trip", "move", "office", "hotel")

    assert "restante trip move office hotel" in told.stderr
    there = json.loads(moved.stdout)
    assert ana.json("show", sent["id"], "--place", "office")[0]["state"] == "cancelled"
    after = ana.json("show", there["id"], "--place", "hotel")[0]
    assert [one["when"]["start"][11:19] for one in (before, after)] == ["02:00:00"] * 2, "two o'clock on the clocks there"
    assert after["when"]["start"].endswith("[America/New_York]")
    kept = [path.stem for path in (ana.home / "restante" / "sent").iterdir()]
    assert kept == [after["proxy"]], "a copy of what waits, and no other"


def test_somebody_at_a_terminal_is_asked(ana, content):
    ana.run("trip", "add", "office", "--from", day(0), "--until", day(5))
    sent = ana.json("send", content.url + "/week12.bin", "--to", "trip", "--at", "tomorrow 03:00")[0]

    said = answer_on_a_terminal(ana, ["trip", "change", "office", "--to", "hotel"], b"y\n")

    assert "Move 1 request to hotel?" in said
    assert ana.json("show", sent["id"], "--place", "office")[0]["state"] == "cancelled"
    assert len(waiting(ana, "hotel")) >= 1


def test_one_request_is_moved_and_what_runs_stays(ana, content):
    sent = ana.json("send", content.url + "/week12.bin", "--to", "office", "--at", "+2d")[0]

    moved = ana.json("change", sent["id"], "--place", "office", "--to", "hotel")[0]
    assert ana.json("show", sent["id"], "--place", "office")[0]["state"] == "cancelled"
    assert ana.json("show", moved["id"], "--place", "hotel")[0]["state"] == "scheduled"
    assert ana.run("change", sent["id"], "--place", "office", "--to", "hotel", check=1).stderr.count("no copy") == 1

    early = ana.json("send", content.url + "/week12.bin", "--to", "office", "--at", "+1h")[0]
    ana.run("now", early["id"], "--place", "office")
    ana.run("watch", early["id"], "--place", "office")
    stays = ana.run("change", early["id"], "--place", "office", "--to", "hotel")
    assert "stays there" in stays.stderr
    assert ana.json("show", early["id"], "--place", "office")[0]["state"] == "done"


def test_nothing_is_moved_while_its_place_cannot_be_asked(ana, content, places):
    sent = ana.json("send", content.url + "/week12.bin", "--to", "office", "--at", "+2d")[0]
    hotel_before = len(ana.json("list", "--place", "hotel"))
    places[0].stop()
    try:
        refused = ana.run("change", sent["id"], "--place", "office", "--to", "hotel", check=3)
    finally:
        places[0].start()

    assert "stays at office" in refused.stderr
    assert len(ana.json("list", "--place", "hotel")) == hotel_before
    assert ana.json("show", sent["id"], "--place", "office")[0]["state"] == "scheduled"
    assert ana.json("change", sent["id"], "--place", "office", "--to", "hotel")[0]["state"] == "scheduled", "it can be moved later"


def answer_on_a_terminal(device, arguments, answer: bytes) -> str:
    """What the command says on a terminal on which a person types."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(device.command()[0], device.command(*arguments), device.environment())
    said, answered, until = b"", False, time.monotonic() + 30
    while time.monotonic() < until:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the command has ended
            break
        if not piece:
            break
        said += piece
        if b"[y/N]" in said and not answered:
            os.write(terminal, answer)
            answered = True
    os.waitpid(pid, 0)
    os.close(terminal)
    return said.decode(errors="replace")
