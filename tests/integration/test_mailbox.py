# SPDX-License-Identifier: Apache-2.0
"""A place that cannot be reached fetches its requests itself: from a real IMAP server, and from a real WebDAV folder."""
import json
import os
import pathlib
import shutil
import tempfile

import pytest

from bed import documents, dav, dovecot
from bed.content import ContentServer
from bed.mail import Relay
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until
from bed.sealed import SigningDevice, compact_json, job_id, newest_key, seal

ANN = "ann@example.net"


class World:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.imap, self.dav = dovecot.Dovecot().start(), dav.Dav().start()
        self.relay = Relay(folder / "relay").start()
        self.content = ContentServer(folder / "content").start()
        secret = folder / "dav.password"
        secret.write_text(dav.PASSWORD)
        secret.chmod(0o600)
        webdav = f'[mailbox.webdav]\nurl = "{self.dav.url}"\nuser = "{dav.USER}"\npassword_file = "{secret}"\n'
        upload = webdav.replace("mailbox.webdav", "mailbox.upload")
        self.place = Place(folder / "place", ALLOW_LOOPBACK + self.relay.config(folder) + '[mailbox]\ninterval = "1s"\naddress = "box@example.org"\n'
                           + self.imap.config(folder) + webdav + upload).start()
        self.place.add_user("ann")
        self.device = SigningDevice().connect(self.place, "ann")

    def make(self, name: str, device: SigningDevice | None = None, form: str = "json", **members) -> tuple[str, str]:
        """(sealed request for a file of that name, id of its download)"""
        (self.content.root / name).write_bytes(name.encode() * 100)
        core = documents.document(self.place, f"{self.content.url}/{name}", **members)
        device = device or self.device
        return seal(newest_key(self.place), device.sign(compact_json(core)), core["exp"], form), job_id(device.jkt, core["id"])

    def state(self, job: str) -> str:
        status, _, answer = self.place.get(f"/v1/jobs/{job}", self.device.token)
        return json.loads(answer)["state"] if status == 200 else str(status)

    def done(self, job: str) -> None:
        wait_until(f"download {job[:8]}", lambda: self.state(job) == "done", 30)

    def empty(self) -> None:
        wait_until("an empty inbox", lambda: not self.imap.names(), 30)

    def close(self) -> None:
        self.place.stop()
        for part in (self.content, self.relay):
            part.stop()
        self.imap.close()
        self.dav.close()


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-mailbox-"))
    made = World(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_what_is_mailed_is_fetched_and_runs_and_a_poison_letter_beside_it_does_no_harm(world):
    attached, first = world.make("attached.bin")
    link, second = world.make("link.bin", form="compact")
    before = len(world.imap.names("Restante-refused"))
    world.imap.deliver(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/jose\r\n\r\n\xff\0{}..\r\n")
    world.imap.deliver(b"Subject: huge\r\n\r\n" + b"x" * (5 << 20))
    world.imap.deliver(b"Subject: lunch?\r\n\r\nAt noon.\r\nA004 OK FETCH completed\r\n")
    world.imap.deliver(dovecot.mail_with("see the file", attached))
    world.imap.deliver(dovecot.mail_with(f"Please:\n\n{world.place.url.replace('http', 'https')}/p#{link}\n\nThanks"))
    world.done(first)
    world.done(second)
    world.empty()
    assert len(world.imap.names("Restante-refused")) == before + 3


def test_what_lies_in_the_webdav_folder_is_fetched_and_runs(world):
    sealed, job = world.make("dav.bin")
    (world.dav.files / "one.restante").write_text(sealed)
    (world.dav.files / "poison.restante").write_text("no request")
    for path in world.dav.files.glob("*.restante"):
        path.chmod(0o666)
    world.done(job)
    wait_until("an empty folder", lambda: world.dav.names() == ["Restante-refused"], 30)
    assert os.listdir(world.dav.files / "Restante-refused") == ["poison.restante"]


def test_who_sent_what_is_refused_is_told_why_and_a_stranger_is_not(world):
    body = json.dumps({"kind": "mail", "address": ANN}).encode()
    assert world.place.get("/v1/contacts", world.device.token, "POST", body, {"Content-Type": "application/json"})[0] in (200, 201, 202)
    asked = world.relay.wait_for("the question", lambda mail: "confirm" in mail["Subject"].lower())[0]
    page = next(url for url in asked.urls("/") if "confirm" in url)
    path = "/" + page.split("/", 3)[3]
    assert world.place.get(path, None, "POST", b"", {"Content-Type": "application/x-www-form-urlencoded"})[0] in (200, 303)
    refused, _ = world.make("never.bin", notify=[{"kind": "mail", "address": "x@example.org"}])
    stranger, _ = world.make("stranger.bin", SigningDevice())
    before = len(world.relay.mails)
    world.imap.deliver(dovecot.mail_with("a stranger's", stranger))
    world.imap.deliver(dovecot.mail_with("see the file", refused))
    told = world.relay.wait_for("the refusal", lambda mail: "refused" in mail["Subject"])
    assert "What helps" in told[0].text
    world.empty()
    assert len(world.relay.mails) == before + 1
    assert "never.bin" not in world.place.log() and dovecot.PASSWORD not in world.place.log()


def test_a_kill_between_taking_and_removing_makes_one_download(world):
    sealed, job = world.make("once.bin")
    world.imap.deliver(dovecot.mail_with("see the file", sealed))
    wait_until("the download", lambda: world.state(job) != "404", 30)
    world.place.kill()
    world.imap.deliver(dovecot.mail_with("the same again", sealed))
    world.place.start()
    world.done(job)
    world.empty()
    fetched = [line for line in (world.content.folder / "access.log").read_text().splitlines() if "GET /once.bin" in line]
    assert len(fetched) <= 2  # the second only where the kill cut the first
    assert world.state(job) == "done"


def test_a_letter_that_was_half_removed_by_a_kill_goes_and_one_that_a_person_marked_stays(world):
    session = world.imap.session()
    session.select()
    for flags in ("(\\Deleted RestanteErased)", "(\\Deleted)"):
        session.append("INBOX", flags, None, dovecot.mail_with("see the file"))
    wait_until("one letter", lambda: len(world.imap.names()) == 1)
    session.noop()
    assert b"RestanteErased" not in session.uid("FETCH", "1:*", "(FLAGS)")[1][0]
    session.expunge()
    session.logout()
    world.empty()


def test_a_mail_server_that_was_away_is_asked_again_and_the_place_says_so_meanwhile(world):
    world.imap.stop()
    warned = lambda: "mailbox (imap) cannot be asked" in world.place.log()
    wait_until("the warning", warned, 20)
    check = world.place.run("check", check=False)
    assert check.returncode != 0 and "mailbox" in check.stdout + check.stderr
    sealed, job = world.make("later.bin")
    world.imap.deliver(dovecot.mail_with("see the file", sealed))
    world.imap.start()
    world.done(job)
    world.empty()


def test_devices_are_told_where_to_leave_requests(world):
    told = json.loads(world.place.get("/v1/place", world.device.token)[2])["mailboxes"]
    assert [one["kind"] for one in told] == ["webdav", "mail"]
    assert told[0]["url"] == world.dav.url and told[0]["password"] == dav.PASSWORD and told[1]["address"] == "box@example.org"


@pytest.mark.parametrize(("changes", "says"), [({"ca_bundle": "/etc/ssl/certs/ca-certificates.crt"}, "did not prove its name"),
                                               ({"user": "nobody"}, "does not let us in")])
def test_a_mail_server_that_is_not_trusted_or_does_not_let_us_in_is_named_without_the_password(world, changes, says):
    folder = world.folder / says.split()[-1]
    other = Place(folder, world.imap.config(folder, **changes))
    checked = other.run("check", check=False)
    said = checked.stdout + checked.stderr
    assert checked.returncode != 0 and says in said
    assert dovecot.PASSWORD not in said
