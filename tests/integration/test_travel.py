# SPDX-License-Identifier: Apache-2.0
"""Requests on their way: sealed once, directly or through a mailbox or as a file, and taken once however they come."""
import fcntl
import json
import os
import pty
import shutil
import ssl
import struct
import subprocess
import termios
from contextlib import closing

import pytest
from bed import sealed
from bed.certificates import Authority
from bed.content import ContentServer, make_file
from bed.dav import PASSWORD as DAV_PASSWORD
from bed.dav import USER as DAV_USER
from bed.dav import Dav
from bed.device import Device
from bed.documents import ended
from bed.mail import Relay
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until
from bed.sink import Sink, reply

CANARY = "K4N4RYtravel7c1f"


@pytest.fixture(scope="module")
def bed(tmp_path_factory):
    """A place with ana's device, a content server, and two mailboxes."""
    class Bed:
        pass
    bed = Bed()
    bed.folder = tmp_path_factory.mktemp("travel")
    bed.content = ContentServer(bed.folder / "content").start()
    make_file(bed.content.root / "a.bin", 50_000, 3)
    bed.url = f"{bed.content.url}/a.bin"
    bed.place = Place(bed.folder / "place").start()
    bed.place.add_user("ana")
    bed.connected = Device(bed.folder / "connected")
    bed.connected.connect("home", bed.place.pair("ana"))
    bed.dav = Dav().start()
    bed.relay = Relay(bed.folder / "relay").start()
    yield bed
    bed.relay.stop()
    bed.dav.close()
    bed.place.stop()
    bed.content.stop()


@pytest.fixture
def ana(bed, request):
    """A connected device, in the state in which it was connected."""
    device = Device(bed.folder / request.node.name[:60])
    shutil.copytree(bed.connected.home / "restante", device.home / "restante")
    return device


@pytest.fixture
def away(bed):
    """The place cannot be reached until the test calls back()."""
    bed.place.stop()

    def back():
        if bed.place.program is None:
            bed.place.start()
    yield back
    back()


def change_place(device: Device, **members) -> None:
    file = device.home / "restante" / "places.json"
    places = json.loads(file.read_text())
    places["places"][0] |= members
    file.write_text(json.dumps(places))


def kept(device: Device) -> dict:
    return json.loads((device.home / "restante" / "places.json").read_text())["places"][0]


def told(bed, device: Device, **place) -> str:
    """The device asks what the place says of itself, and hears this: what it wrote on stderr."""
    said = {"/v1/place": json.dumps(place).encode(), "/v1/jobs": b'{"jobs":[]}'}
    with closing(Sink(lambda request: reply(200, said[request.path], Content_Type="application/json"))) as stand_in:
        change_place(device, url=stand_in.plain, looked="2026-01-01T00:00:00Z")
        done = device.run("list")
    change_place(device, url=bed.place.url)
    return done.stderr


def without_network(device: Device) -> Device:
    """The same device in a network namespace with nothing in it."""
    return Device(device.home, ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"])


def job_of(bed, device, id_) -> dict:
    return ended(bed.place, device.token(), id_)


def waiting(device) -> list[dict]:
    return device.json("outbox")


def test_what_goes_to_the_place_directly_is_sealed_and_short(bed, ana):
    taken = {"id": "0" * 32, "proxy": "p", "name": "a.bin", "state": "scheduled", "plan": "on-time", "received_bytes": 0, "attempt": 0,
             "created": "2026-11-22T11:00:00Z"}
    with closing(Sink(lambda request: reply(202, json.dumps(taken).encode(), Content_Type="application/json"))) as stand_in:
        change_place(ana, url=stand_in.plain)
        job, = ana.json("send", bed.url, "--no-probe")

    assert job["via"] == "direct"
    posted = next(one for one in stand_in.requests if one.method == "POST")
    assert posted.get("content-type") == "application/jose" and posted.body.count(b".") == 4
    assert len(posted.body) <= 1100
    assert b"a.bin" not in stand_in.heard
    assert sealed.post(bed.place, posted.body.decode())[0] == 202


def test_a_sealed_request_is_fetched_and_answered_with_the_whole_job(bed, ana):
    job, = ana.json("send", bed.url, "--wait")

    assert job["state"] == "done" and job["size_bytes"] == 50_000 and job["via"] == "direct"
    assert waiting(ana) == []


def test_a_place_that_is_away_gets_it_through_its_folder_and_again_directly_without_a_second_download(bed, ana, away):
    told(bed, ana, mailboxes=[{"kind": "mail", "address": "box@place.example"},  # this device sends no mails: left out
                              {"kind": "webdav", "url": bed.dav.url, "user": DAV_USER, "password": DAV_PASSWORD}])

    done = ana.run("--json", "send", bed.url)

    job = json.loads(done.stdout)
    assert (job["state"], job["via"]) == ("posted", "mailbox") and f"left at its mailbox {bed.dav.url}" in done.stderr
    name, = bed.dav.names()
    document = bed.dav.get(name).decode()
    assert name == f"{job['proxy']}.restante" and document.count(".") == 4
    entry, = waiting(ana)
    assert entry["posted"] and entry["posted_to"] == bed.dav.url
    for path in (ana.home / "restante").rglob("*"):
        assert path.is_dir() or DAV_PASSWORD.encode() not in path.read_bytes()

    away()
    status, answer = sealed.post(bed.place, document)  # as the place does with what it fetches
    assert (status, answer["id"], answer["status"]) == (202, job["id"], "accepted")
    ana.run("outbox", "flush")
    assert waiting(ana) == []
    assert job_of(bed, ana, job["id"])["state"] == "done"
    assert [one["id"] for one in ana.json("list") if one["proxy"] == job["proxy"]] == [job["id"]]


def test_a_place_that_comes_back_fetches_what_was_left_for_it(bed):
    folder = bed.folder / "fetching"
    folder.mkdir()
    (bed.dav.files / "box").mkdir()
    (bed.dav.files / "box").chmod(0o777)
    secret = folder / "dav.password"
    secret.write_text(DAV_PASSWORD + "\n")
    secret.chmod(0o600)
    sign_in = f'url = "{bed.dav.url}box/"\nuser = "{DAV_USER}"\npassword_file = "{secret}"\n'
    place = Place(folder / "place", f'{ALLOW_LOOPBACK}[mailbox]\ninterval = "1s"\n[mailbox.webdav]\n{sign_in}[mailbox.upload]\n{sign_in}').start()
    try:
        place.add_user("ana")
        device = Device(folder / "ana")
        device.connect("home", place.pair("ana"))
        place.stop()

        job, = device.json("send", bed.url)

        assert (job["state"], job["via"]) == ("posted", "mailbox")
        place.start()
        wait_until("the request", lambda: place.get(f"/v1/jobs/{job['id']}", device.token())[0] == 200)
        assert ended(place, device.token(), job["id"])["state"] == "done"
        assert [one["id"] for one in device.json("list")] == [job["id"]]  # which sent it again, and changed nothing
        assert waiting(device) == []
    finally:
        place.stop()


def test_a_folder_that_does_not_let_it_in_leaves_it_in_the_outbox(bed, ana, away):
    told(bed, ana, mailboxes=[{"kind": "webdav", "url": bed.dav.url, "user": DAV_USER, "password": "wrong-S3CRET"}])
    before = bed.dav.names()

    done = ana.run("send", bed.url, check=3)

    assert "401" in done.stderr and "wrong-S3CRET" not in done.stderr
    assert "posted" not in waiting(ana)[0] and bed.dav.names() == before


def test_keys_that_are_not_the_places_own_are_not_taken(bed, ana):
    stranger = sealed.SigningDevice()
    keys = stranger.sign(json.dumps({"iss": stranger.jkt, "iat": 4_000_000_000, "keys": [stranger.jwk]}), "vnd.restante.keys+jws", jwk=stranger.jwk)
    before = kept(ana)["keys"]

    said = told(bed, ana, keys=keys, mailboxes=[{"kind": "webdav", "url": "https://evil.example/"}])

    assert "not its own" in said
    assert kept(ana)["keys"] == before and "mailboxes" not in kept(ana)
    assert ana.json("send", bed.url, "--wait")[0]["state"] == "done"


def test_a_place_that_is_away_gets_it_by_mail(bed, ana, away):
    told(bed, ana, mailboxes=[{"kind": "mail", "address": "box@place.example"}])
    ana.run("mail", "set", bed.relay.url, "--from", "ana@device.example", "--user", "restante", "--secret-stdin", "--ca",
            bed.relay.authority.certificate, input="relay-S3CRET-password\n")

    job, = ana.json("send", bed.url)

    assert job["state"] == "posted" and job["via"] == "mailbox"
    mail, = bed.relay.wait_for("the request", lambda one: "box@place.example" in one.recipients)
    assert mail.sender == "ana@device.example"
    attachment, = [part for part in mail.message.iter_attachments()]
    document = attachment.get_content()
    document = document if isinstance(document, str) else document.decode()
    assert document.count(".") == 4 and b"a.bin" not in mail.raw
    entry, = waiting(ana)
    assert entry["posted"] and entry["posted_to"] == "box@place.example"

    away()
    status, answer = sealed.post(bed.place, document.strip())  # as the place does with what it fetches
    assert (status, answer["id"], answer["status"]) == (202, job["id"], "accepted")
    ana.run("outbox", "flush")
    assert waiting(ana) == []
    assert job_of(bed, ana, job["id"])["state"] == "done"
    assert [one["id"] for one in ana.json("list") if one["proxy"] == job["proxy"]] == [job["id"]]


def test_without_a_mailbox_it_waits_in_the_outbox_and_goes_with_the_next_command(bed, ana, away):
    done = ana.run("send", bed.url, check=3)

    assert "outbox" in done.stderr
    entry, = waiting(ana)
    assert "posted" not in entry
    away()
    sent, = ana.json("outbox", "flush")
    assert job_of(bed, ana, sent["id"])["state"] == "done"
    assert waiting(ana) == []


def test_a_file_made_without_any_network_is_taken_once(bed, ana):
    made, = without_network(ana).json("make", bed.url, "-o", "one.restante")

    assert set(made) == {"file", "id", "job", "place", "bytes", "expires"} and made["place"] == "home"
    assert "a.bin" not in (ana.home / "one.restante").read_text()
    assert ana.json("transmit", "one.restante") == [{"file": "one.restante", "status": "accepted", "job": made["job"]}]
    assert ana.json("transmit", "one.restante") == [{"file": "one.restante", "status": "replayed", "job": made["job"]}]
    assert job_of(bed, ana, made["job"])["state"] == "done"


def test_another_device_can_hand_it_over(bed, ana):
    ana.run("make", bed.url, "--link", "-o", "one.link")
    bob = Device(bed.folder / "bob")
    bed.place.add_user("bob")
    bob.connect("there", bed.place.pair("bob"))
    shutil.copy(ana.home / "one.link", bob.home / "one.link")

    sent, = bob.json("transmit", "one.link")

    assert sent["status"] == "accepted"
    assert job_of(bed, ana, sent["job"])["state"] == "done"
    assert bob.json("list") == []


def test_a_link_is_short_and_opens_at_its_place(bed, ana):
    link = ana.run("make", bed.url, "--link").stdout.strip()

    assert link.startswith(bed.place.url + "/p#") and len(link) <= 1100 + len(bed.place.url) + 3


def on_a_terminal(device: Device, columns: int, *arguments) -> str:
    """What the command shows on a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, columns, 0, 0))
    shown = b""
    with subprocess.Popen(device.command(*arguments), stdin=slave, stdout=slave, stderr=slave, env=device.environment(), cwd=device.home) as running:
        os.close(slave)
        while True:
            try:
                got = os.read(master, 65536)
            except OSError:  # the last one who held the terminal has ended
                break
            if not got:
                break
            shown += got
        assert running.wait(60) == 0, shown
    os.close(master)
    return shown.decode()


def test_a_link_is_shown_as_a_qr_code_where_it_fits(bed, ana):
    wide = on_a_terminal(ana, 200, "make", bed.url, "--link")
    narrow = on_a_terminal(ana, 60, "make", bed.url, "--link")

    assert wide.count("\u2588") > 500 and "/p#" in wide
    assert "\u2588" not in narrow and "too narrow" in narrow


def test_a_link_leads_to_a_place_that_the_device_does_not_know(bed, ana):
    link = ana.run("make", bed.url, "--link").stdout.strip()
    authority = Authority(bed.folder / "strangers")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    stranger = Device(bed.folder / "stranger")
    with closing(Sink(tls=context)) as unproven:
        (stranger.home / "one.link").write_text(f"{unproven.secure}/p#{link.split('#')[1]}")
        sent, = stranger.json("transmit", "one.link", check=3)
    (stranger.home / "one.restante").write_text(link.split("#")[1])
    unknown, = stranger.json("transmit", "one.restante", check=1)

    # Nobody vouches for it: it does not get even the sealed text.
    assert sent["status"] == "refused" and unproven.connections > 0 and unproven.requests == []
    assert unknown["reason"] == "not-for-me"


def test_a_changed_byte_is_refused_with_the_reason(bed, ana):
    ana.run("make", bed.url, "--compact", "-o", "one.restante")
    text = (ana.home / "one.restante").read_text().strip()
    parts = text.split(".")
    at = len(parts[3]) // 2
    parts[3] = parts[3][:at] + ("A" if parts[3][at] != "A" else "B") + parts[3][at + 1:]
    (ana.home / "changed.restante").write_text(".".join(parts))
    (ana.home / "nothing.restante").write_text("hello")

    done = ana.run("--json", "transmit", "changed.restante", "nothing.restante", "one.restante", check=1)

    told_lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["status"], one.get("reason")) for one in told_lines] == [("refused", "bad-signature"), ("refused", "malformed"), ("accepted", None)]


def test_transmit_says_that_the_place_was_not_reached(bed, ana, away):
    ana.run("make", bed.url, "-o", "one.restante")

    assert ana.json("transmit", "one.restante", check=3)[0]["reason"] == "unreachable"


def test_a_key_that_was_renewed_still_opens_what_was_sealed_before(bed, ana):
    ana.run("make", bed.url, "-o", "one.restante")
    bed.place.run("keys", "rotate")

    assert ana.json("transmit", "one.restante")[0]["status"] == "accepted"


def test_inspect_tells_what_can_be_known_and_no_secret(bed, ana):
    ana.run("make", bed.url, "--user", "ana", "--secret-stdin", "-o", "one.restante", input=CANARY + "\n")

    seen, = without_network(ana).json("inspect", "one.restante")

    assert (seen["form"], seen["place"]) == ("sealed", "home") and seen["expires"]
    words = ana.run("inspect", "one.restante").stdout
    assert "a.bin" not in words and CANARY not in words and "home" in words


def test_inspect_of_an_unsealed_request_hides_its_secrets(bed, ana):
    device = sealed.SigningDevice()
    core = sealed.documents.document(bed.place, bed.url, [{"id": "a", "kind": "basic", "scope": [bed.content.url], "user": "u", "password": CANARY}])
    (ana.home / "bare").write_text(json.dumps(core))
    (ana.home / "signed").write_text(device.sign(json.dumps(core)))

    bare, = ana.json("inspect", "bare")
    signed, = ana.json("inspect", "signed")

    assert (bare["form"], signed["form"]) == ("bare", "signed")
    assert bare["content"]["what"] == signed["content"]["what"] and bare["id"] == core["id"]
    assert CANARY not in json.dumps([bare, signed])


def test_a_request_is_taken_back_by_a_file_too(bed, ana):
    ana.run("make", bed.url, "-o", "one.restante")
    made, = ana.json("make", bed.url, "--at", "2040-01-01T00:00:00Z", "-o", "two.restante")
    ana.run("transmit", "two.restante")
    ana.run("make", "--cancel", made["id"], "-o", "back.restante")

    ana.run("transmit", "back.restante")

    assert job_of(bed, ana, made["job"])["state"] == "cancelled"


def test_make_says_what_is_missing(ana, bed):
    assert "whole id" in ana.run("make", "--cancel", "019a", "-o", "x", check=2).stderr
    assert "where to" in ana.run("make", bed.url, check=2).stderr
    assert "make what" in ana.run("make", "-o", "x", check=2).stderr
    ana.run("make", bed.url, "-o", "x")
    assert "exists already" in ana.run("make", bed.url, "-o", "x", check=2).stderr


def test_the_device_follows_keys_that_the_place_renewed_long_ago(bed, ana):
    # The last test: no other device has the new keys.
    shutil.rmtree(bed.place.data / "keys" / "encryption")
    bed.place.stop()
    bed.place.start()

    job, = ana.json("send", bed.url, "--wait")

    assert job["state"] == "done" and job["via"] == "direct"
