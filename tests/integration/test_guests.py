# SPDX-License-Identifier: Apache-2.0
"""A guest's whole life: invited, connected before arriving, served, told, warned, erased; and what is left of them."""
import datetime
import json
import os
import pathlib
import random
import re
import sqlite3
import time

import pytest
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.documents import document, submit
from bed.mail import Relay
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

LABEL = "K4N4RY-label-Ms-Finch"
NAMES = ("K4N4RY-file.bin", "K4N4RY-foreign.txt", "K4N4RY-deleted.bin", "K4N4RY-slow.bin")
QUERY = "K4N4RYquery"
SECRET = "K4N4RY-open-sesame"
PASSWORD = "correct horse battery"
ADDRESS = "k4n4ry-guest@example.net"
CANARY = re.compile(rb"K4N4RY", re.IGNORECASE)


def rfc3339(seconds_from_now: float) -> str:
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def traces(folder: pathlib.Path, *more: bytes) -> dict:
    """Files below that hold a canary, in their name or in any of their bytes (also those that a database does not show)."""
    out = {}
    for path in sorted(folder.rglob("*")):
        inside = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        text = str(path.relative_to(folder)).encode() + b"\n" + inside
        if CANARY.search(text) or any(one in text for one in more):
            out[str(path.relative_to(folder))] = sorted({*CANARY.findall(text), *(one for one in more if one in text)})
    return out


def invite(place, *options) -> str:
    return place.run("invite", *options).stdout.strip()


def post(place, path: str, body: dict) -> dict:
    return json.loads(place.get(path, None, "POST", json.dumps(body).encode(), {"Content-Type": "application/json"})[2])


def guests(place, admin) -> list[dict]:
    return json.loads(place.get("/v1/invites", admin)[2])["invites"]


@pytest.fixture
def desk(work):
    """A place with an administrator who has signed in, a mail server, and a grace that a test can wait for."""
    relay = Relay(work / "relay").start()
    place = Place(work / "place", ALLOW_LOOPBACK + '[guests]\ngrace = "3s"\n' + relay.config(work))
    place.relay = relay
    place.start()
    place.add_user("desk", "--role", "admin", password=PASSWORD)
    place.admin = post(place, "/v1/session", {"user": "desk", "password": PASSWORD})["token"]
    yield place
    place.stop()
    relay.stop()
    assert "did not stop in time" not in place.log()


@pytest.fixture
def shelf(work):
    server = ContentServer(work / "content", password=SECRET, extra="location /slow/ { limit_rate 20k; }").start()
    for folder, name in (("private", NAMES[0]), ("private", NAMES[2]), ("slow", NAMES[3])):
        make_file(server.root / folder / name, 400_000, 3)
    yield server
    server.stop()


def test_of_a_guest_who_was_erased_nothing_is_left(work, desk, shelf):
    admin = desk.admin
    url = invite(desk, "--from", "tomorrow 15:00", "--until", "+3d", "--label", LABEL, "--quota", "50M")
    name = guests(desk, admin)[0]["name"]
    phone = Device(work / "phone")

    # Before arriving: connected by the URL alone, which also fills in the trip.
    connected = phone.run("place", "add", "hotel", url)
    assert "trip: hotel" in connected.stderr and phone.json("trip", "list")[0]["place"] == "hotel"
    jkt = phone.json("place", "list")[0]["device"]
    phone.run("notify", "add", ADDRESS)
    asked = desk.relay.wait_for("a question", lambda mail: "confirm" in mail["Subject"])[0]
    assert desk.get(asked.urls("/notify/confirm/")[0].removeprefix(desk.url), None, "POST", b"")[0] == 200
    sent = [phone.json("send", "--to", "trip", "--wait", "--user", "ana", "--secret-stdin", f"{shelf.url}/private/{one}?{QUERY}=1",
                       input=SECRET + "\n")[-1] for one in (NAMES[0], NAMES[2])]
    assert [one["state"] for one in sent] == ["done", "done"]
    phone.run("get", NAMES[0], "-o", "taken.bin")
    assert (phone.home / "taken.bin").read_bytes() == (shelf.root / "private" / NAMES[0]).read_bytes()
    mail = desk.relay.wait_for("the file is here", lambda one: NAMES[0] in one.text)[0]
    link = mail.urls("/d/")[0].removeprefix(desk.url)
    assert desk.get(link)[2] == (phone.home / "taken.bin").read_bytes()
    phone.run("remove", NAMES[2])
    (desk.data / "areas" / name / NAMES[1]).write_text("K4N4RY: put here by the guest's own program\n")
    slow = phone.json("send", "--to", "trip", f"{shelf.url}/slow/{NAMES[3]}")[0]["id"]
    wait_until("the first bytes", lambda: any((desk.data / "incoming").rglob("*")) or None)

    # The control: what is looked for afterwards is found now.
    found = b"".join(b" ".join(hits) for hits in traces(desk.data).values())
    for needle in (LABEL.encode(), QUERY.encode(), *(one.encode() for one in NAMES[:2])):
        assert b"K4N4RY" in found and needle in b"".join(path.read_bytes() + path.name.encode() for path in desk.data.rglob("*")
                                                         if path.is_file()), needle
    assert not CANARY.search(json.dumps([{**one, "label": ""} for one in guests(desk, admin)]).encode())

    # The stay ends: nothing new begins, what came can still be had.
    assert desk.get(f"/v1/invites/{name}", admin, "DELETE")[0] == 204
    token = phone.token()
    status, refused = submit(desk, token, document(desk, f"{shelf.url}/private/{NAMES[0]}"))
    assert status == 403 and "your stay here has ended" in refused["detail"]
    assert NAMES[0] in phone.run("files").stdout

    told = desk.relay.wait_for("the warning", lambda one: "stay" in one["Subject"])[0]
    assert told.recipients == [ADDRESS] and LABEL not in told.raw.decode()

    # The grace passes: nobody gets in, and nothing is left, nor in a backup that is made now.
    wait_until("the erasure", lambda: not guests(desk, admin) or None, 30)
    assert desk.get("/v1/session", token)[0] == 401
    assert desk.get(link)[0] == 404
    assert phone.run("files", check=4).stdout == ""
    wait_until("the log's end", lambda: f"{name} is erased" in desk.log() or None)
    personal = (name.encode(), jkt.encode(), slow.encode())
    assert traces(desk.data, *personal) == {}
    assert not CANARY.search(desk.log().encode())
    desk.run("backup", desk.folder / "backup", input="pass phrase\n")
    again = Place(work / "again")
    again.run("restore", desk.folder / "backup", input="pass phrase\n")
    assert traces(again.data, *personal) == {}
    assert not list((desk.data / "incoming").rglob("*"))


def stay(place, shelf, number: int) -> str:
    """A guest who has connected, has a file in the area, and asks for another one that does not come soon."""
    code = re.search(r"&c=([^&]+)", invite(place, "--until", "+1d", "--label", f"{LABEL}-{number}")).group(1)
    token = post(place, "/v1/session", {"code": code})["token"]
    status, job = submit(place, token, document(place, f"{shelf.url}/slow/{NAMES[3]}?{QUERY}={number}"))
    assert status == 202, job
    name = guests(place, place.admin)[-1]["name"]
    folder = place.data / "areas" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAMES[1]).write_text("K4N4RY")
    return name


def test_an_erasure_that_kills_interrupt_goes_on(work, desk, shelf):
    """RESTANTE_ERASURE_KILLS: how often (3). With as many guests, each kill finds one being erased."""
    kills, chance = int(os.environ.get("RESTANTE_ERASURE_KILLS", 3)), random.Random(20261122)
    names = [stay(desk, shelf, number) for number in range(kills)]
    desk.stop()
    # As if the place had been off from the end of the stays until long after the grace.
    with sqlite3.connect(desk.data / "restante.db") as database:
        changed = database.execute("UPDATE accounts SET valid_from = 1000, valid_until = 2000 WHERE role = 'guest'").rowcount
    database.close()
    assert changed == kills and len(traces(desk.data)) > kills

    for _ in range(kills):
        desk.start()
        until = time.monotonic() + chance.uniform(0, 0.15)
        while time.monotonic() < until and "is erased" not in desk.program.output():
            pass
        desk.kill()
    desk.start()

    personal = [one.encode() for one in names]
    wait_until("the erasures", lambda: not guests(desk, desk.admin) or None, 60)
    wait_until("the end of them", lambda: not traces(desk.data, *personal) or None, 20)
    assert not CANARY.search(desk.log().encode())
    assert desk.run("check").returncode == 0


def test_dates_are_days_of_the_place_and_nonsense_is_refused(work):
    place = Place(work / "place", '[place]\ntime_zone = "Asia/Tokyo"\n')
    next_year = datetime.date.today().year + 1

    url = invite(place, "--from", f"{next_year}-03-01", "--until", f"{next_year}-03-04")
    wrong = place.run("invite", "--from", "+3d", "--until", "+1d", check=False)

    assert f"&from={next_year}-02-28T15:00:00Z&until={next_year}-03-04T15:00:00Z" in url or \
        f"&from={next_year}-02-29T15:00:00Z&until={next_year}-03-04T15:00:00Z" in url
    assert wrong.returncode == 1 and "ends before it begins" in wrong.stderr
    assert place.run("invite", "--until", "2026-02-31", check=False).returncode == 2
