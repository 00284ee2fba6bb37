# SPDX-License-Identifier: Apache-2.0
"""People are told: by a real mail server, of what a real place did."""
import email.utils
import json
import pathlib
import re
import shutil
import tempfile
import time

import pytest

from bed.certificates import Authority
from bed.content import ContentServer
from bed.device import Device
from bed.documents import document, fetch, submit
from bed.mail import PASSWORD, Relay
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

PUBLIC, LAN = "https://home.example", "http://nas.lan:8470"
ANA = "ana@example.net"


def place_config(relay: Relay, folder, **mail) -> str:
    return (ALLOW_LOOPBACK + f'[listen]\npublic_url = "{PUBLIC}"\nlan_url = "{LAN}"\nhosts = ["127.0.0.1"]\n'
            '[place]\nname = "Haus \\"am See\\""\n' + relay.config(folder, **mail))


def pairing_url(place: Place, name: str) -> str:
    """As the place prints it, but to where it really listens."""
    return place.pair(name).replace(PUBLIC, place.url)


class World:
    """One place, one relay, one content server; a user with a device."""

    def __init__(self, folder):
        self.folder = folder
        self.relay = Relay(folder / "relay").start()
        self.content = ContentServer(folder / "content").start()
        (self.content.root / "report.bin").write_bytes(b"r" * 4096)
        (self.content.root / "secret-plan.pdf").write_bytes(b"%PDF" * 100)
        self.place = Place(folder / "place", place_config(self.relay, folder)).start()
        self.place.add_user("ana", "--lan")
        self.device = Device(folder / "device")
        self.device.connect("home", pairing_url(self.place, "ana"))
        self.token = self.device.token()

    def api(self, method: str, path: str, body: dict | None = None, headers: dict | None = None):
        raw = None if body is None else json.dumps(body).encode()
        status, fields, answer = self.place.get(path, self.token, method, raw, {"Content-Type": "application/json", **(headers or {})})
        return status, json.loads(answer) if answer.strip() else None

    def contact(self, address: str = ANA) -> dict:
        status, body = self.api("GET", "/v1/contacts")
        assert status == 200
        return next((one for one in body["contacts"] if one["address"] == address), None)

    def confirm(self, address: str) -> None:
        """As a person does: opens the link of the mail and presses the button."""
        path = self.asked(address).urls("/notify/confirm/")[0].removeprefix(PUBLIC)
        assert self.place.get(path, method="POST", body=b"")[0] == 200

    def asked(self, address: str):
        return self.relay.wait_for("a question", lambda mail: mail.recipients == [address] and "confirm" in mail["Subject"])[-1]

    def stop(self) -> None:
        self.place.stop()
        self.content.stop()
        self.relay.stop()


@pytest.fixture(scope="module")
def world():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-notices-"))
    made = World(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def confirmed(world):
    world.device.run("notify", "add", ANA)
    world.confirm(ANA)
    return world


def done_mails(world, name: str, count: int = 1) -> list:
    return world.relay.wait_for(f"{name} is here", lambda mail: "here" in mail["Subject"] and name in mail.text, count)


def test_tells_nothing_before_the_address_is_confirmed_and_a_look_at_the_page_confirms_nothing(world):
    world.device.run("notify", "add", "bob@example.net")
    path = world.asked("bob@example.net").urls("/notify/confirm/")[0].removeprefix(PUBLIC)
    for _ in range(3):
        assert world.place.get(path)[0] == 200
        assert world.place.get(path, method="HEAD")[0] == 200
    assert world.contact("bob@example.net")["confirmed"] is False
    world.device.run("send", world.content.url + "/report.bin", "--name", "untold.bin", "--wait")
    assert "confirm" in world.device.run("notify", "test", "bob@example.net", check=1).stderr
    world.device.run("notify", "remove", "bob@example.net")
    assert world.place.get(path)[0] == 404
    assert not [mail for mail in world.relay.mails if mail.recipients == ["bob@example.net"] and "confirm" not in mail["Subject"]]


def test_tells_by_mail_that_a_download_is_here_with_links_from_public_url_only(confirmed):
    confirmed.device.run("send", confirmed.content.url + "/secret-plan.pdf", "--wait")
    mail = done_mails(confirmed, "secret-plan.pdf")[0]
    assert mail["Subject"] == "Restante: a download is here"
    assert "400 B" in mail.text or "400" in mail.text
    links = mail.urls("/d/")
    assert [link.rsplit("/", 1)[0] for link in links] == [PUBLIC + "/d", LAN + "/d"]
    token = links[0].rsplit("/", 1)[1]
    status, _, body = confirmed.place.get("/d/" + token)
    assert (status, body) == (200, b"%PDF" * 100)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<notices.home.example>"
    assert re.fullmatch(r"<[0-9a-f]{32}@home\.example>", mail["Message-ID"])
    assert abs(email.utils.parsedate_to_datetime(mail["Date"]).timestamp() - time.time()) < 60
    assert mail["From"] == '"Haus \\"am See\\"" <place@home.example>'
    assert "secret-plan.pdf" in mail.html
    assert confirmed.relay.logins and all(right for _, right in confirmed.relay.logins)


def test_tells_of_failures_and_of_tests(confirmed):
    confirmed.device.run("send", confirmed.content.url + "/missing.bin", "--wait", check=1)
    failed = confirmed.relay.wait_for("a failure", lambda mail: "failed" in mail["Subject"] and "missing.bin" in mail.text)[0]
    assert "not" in failed.text and not failed.urls("/d/")
    assert ANA in confirmed.device.run("notify", "test").stdout
    confirmed.relay.wait_for("a test", lambda mail: mail["Subject"] == "Restante: a test message")
    assert confirmed.contact()["confirmed"] is True and "error" not in confirmed.contact()


def test_tells_that_a_download_needs_somebody_is_late_or_finds_no_room(world, work):
    world.place.add_user("ben", "--lan", "--quota", "6000")
    ben = Device(work / "ben")
    ben.connect("home", pairing_url(world.place, "ben"))
    ben.run("notify", "add", "ben@example.net")
    world.confirm("ben@example.net")

    def told(subject: str, name: str):
        return world.relay.wait_for(f"{subject}: {name}", lambda mail: mail.recipients == ["ben@example.net"] and subject in mail["Subject"]
                                    and name in mail.text)[0]

    ben.run("send", world.content.url + "/private/locked.bin", "--name", "locked.bin", "--user", "ana", "--secret-stdin", input="wrong\n")
    assert "decide" in told("needs you", "locked.bin").text
    window = time.strftime("%H:%M-%H:59", time.gmtime(time.time() + 6 * 3600)).replace(":59-", ":58-")
    ben.run("send", world.content.url + "/report.bin", "--name", "awaited.bin", "--tz", "UTC", "--window", window, "--by", "+2s")
    assert "goes on" in told("is late", "awaited.bin").text
    ben.run("send", world.content.url + "/report.bin", "--name", "fits.bin", "--wait")
    ben.run("send", world.content.url + "/report.bin", "--name", "too-much.bin")
    world.relay.wait_for("no room", lambda mail: mail.recipients == ["ben@example.net"] and "too-much.bin" in mail.text)


def test_a_mail_server_that_is_down_gets_the_mail_when_it_is_up(confirmed):
    confirmed.relay.stop()
    confirmed.device.run("send", confirmed.content.url + "/report.bin", "--name", "while-down.bin", "--wait")
    wait_until("the error told", lambda: "does not answer" in (confirmed.contact().get("error") or ""))
    confirmed.relay.start()
    done_mails(confirmed, "while-down.bin")


def test_says_the_same_whatever_the_host_fields_of_the_request_say(confirmed):
    """D9: 30 requests that cause a mail; but for what differs by name of the job, the mails are the same."""
    own = confirmed.place.listen[0]
    hostile = ["evil.example", "home.example.evil.example", "evil.example:8470", "[::ffff:1.2.3.4]", "home.example@evil.example",
               "evil.example/", "HOME.EXAMPLE", own + ",evil.example", "evil.example#", "\tevil.example"]
    variants = [{field: value} for value in hostile for field in ("X-Forwarded-Host", "Forwarded", "Host")]
    variants = [{key: f"host={value};proto=http" if key == "Forwarded" else value for key, value in one.items()} for one in variants]
    contact = confirmed.contact()["id"]
    seen, before = set(), len(confirmed.relay.mails)
    caused = 0
    for fields in variants:
        status, _ = confirmed.api("POST", f"/v1/contacts/{contact}:test", {}, fields)
        assert status in (202, 400, 421, 429), (status, fields)
        caused += status == 202
        if status == 429:
            break
    mails = confirmed.relay.wait_for("tests", lambda mail: mail["Subject"] == "Restante: a test message", count=caused + 1)
    for mail in mails:
        seen.add((mail.text, mail.html, mail["From"], mail["List-Id"], mail["List-Unsubscribe"], mail["Message-ID"].split("@")[1]))
    assert caused >= 15 and len(seen) == 1 and "evil" not in str(seen)
    assert before < len(confirmed.relay.mails)


CRLF = ["a\r\nBcc: eve@example.net", "a\nBcc: eve@example.net", "a\rBcc: eve@example.net", "a\r\n\r\nhello", "a\x00b", "a\r\n.\r\nQUIT\r\n"]


def test_takes_no_address_that_could_end_a_line(confirmed):
    for hostile in [f"{text}@example.net" for text in CRLF] + [f"ana@{text}" for text in CRLF] + ["ana@example.net\r\nDATA", "<ana@example.net>",
                                                                                                     "ana@example.net eve@example.net"]:
        status, body = confirmed.api("POST", "/v1/contacts", {"kind": "mail", "address": hostile})
        assert 400 <= status < 500, hostile
        assert body["type"] == "/problems/invalid"


def test_writes_hostile_names_into_one_header_block(confirmed):
    """C3: whatever a name holds is refused, cleaned or encoded."""
    for number, text in enumerate(CRLF):
        status, answer = submit(confirmed.place, confirmed.token, document(confirmed.place, confirmed.content.url + "/report.bin",
                                                                           name=f"{number}{text}.bin"))
        assert status == 202 or 400 <= status < 500, answer
    fetch(confirmed.place, confirmed.token, document(confirmed.place, confirmed.content.url + "/report.bin", name="Bcc: eve@example.net"))
    confirmed.relay.wait_for("a hostile name", lambda mail: "Bcc" in mail.text and "here" in mail["Subject"])
    for mail in confirmed.relay.mails:
        head = mail.header_block()
        assert b"eve@example.net" not in head and b"\nBcc" not in head
        assert mail.message.keys().count("Subject") == 1 and mail.message.keys().count("To") == 1
        assert not re.search(rb"(?<!\r)\n", mail.raw) and not re.search(rb"\r(?!\n)", mail.raw)


# What a mail server does wrong, what is said of it (GET /v1/contacts), and whether the mail arrives in the end.
def once(answer):
    """The first mail that is no question gets `answer` (None: the connection is closed), the others are taken."""
    told = []

    def deliver(mail):
        if not told:
            told.append(mail)
            return answer
        return "250 taken over"
    return deliver


LATER = {"451 4.3.0 later": "451 4.3.0", None: "the connection to the mail server broke"}


def test_a_mail_server_that_says_later_or_closes_after_the_content_gets_the_mail_again_and_no_mail_that_it_refuses_for_good(confirmed):
    def error() -> str:
        return confirmed.contact().get("error") or ""

    try:
        confirmed.relay.deliver = once("554 5.7.1 spam")
        refused = len(confirmed.relay.mails)
        confirmed.device.run("notify", "test")
        wait_until("the refusal told", lambda: "554 5.7.1" in error())
        for answer, words in LATER.items():
            confirmed.relay.deliver = once(answer)
            confirmed.device.run("notify", "test")
            wait_until(f"'{words}' told", lambda words=words: words in error())
        wait_until("both mails", lambda: len(confirmed.relay.mails) == refused + 2)
        wait_until("no error any more", lambda: not error())
    finally:
        confirmed.relay.deliver = lambda mail: "250 taken over"


@pytest.mark.parametrize("wrong", ["name", "authority", "password", "no encryption"])
def test_sends_nothing_to_a_server_that(wrong, work, confirmed):
    """Another name or authority: neither mail nor password leaves; then a wrong password, and a server without STARTTLS."""
    relay = Relay(work / "relay", name="mail.example" if wrong == "name" else "127.0.0.1", tls="none" if wrong == "no encryption" else "starttls",
                  auth=wrong != "no encryption")
    relay.password = "another" if wrong == "password" else PASSWORD
    changes = {"ca_bundle": str(Authority(work / "other").certificate)} if wrong == "authority" else {}
    if wrong == "no encryption":
        changes["starttls"] = "required"
    with relay:
        place = Place(work / "place", place_config(relay, work, **changes)).start()
        try:
            place.add_user("ana")
            device = Device(work / "device")
            device.connect("home", pairing_url(place, "ana"))
            device.run("notify", "add", ANA)
            said = {"name": "did not prove its name", "authority": "did not prove its name", "password": "does not let us in (535",
                    "no encryption": "offers no encryption"}[wrong]
            wait_until("the refusal told", lambda: said in device.run("notify", "list").stdout)
            assert not relay.mails
            assert wrong == "password" or not relay.logins
            assert PASSWORD not in place.log()
            assert said.split("(")[0] in place.run("check", check=False).stdout
        finally:
            place.stop()


def test_stops_by_the_page_that_the_mail_names_but_not_by_looking_at_it(confirmed):
    confirmed.device.run("notify", "add", "carol@example.net")
    confirmed.confirm("carol@example.net")
    confirmed.device.run("notify", "test", "carol@example.net")
    mail = confirmed.relay.wait_for("carol's test", lambda mail: mail.recipients == ["carol@example.net"] and "test" in mail["Subject"])[0]
    url = mail["List-Unsubscribe"].strip("<>")
    assert url.startswith(PUBLIC + "/notify/stop/") and url in mail.text
    path = url.removeprefix(PUBLIC)
    for method in ("GET", "HEAD"):
        assert confirmed.place.get(path, method=method)[0] == 200
    assert confirmed.contact("carol@example.net")
    assert confirmed.place.get(path, method="POST", body=b"")[0] == 200
    assert confirmed.contact("carol@example.net") is None
    assert confirmed.place.get(path, method="POST", body=b"")[0] == 404


def test_tells_what_comes_in_a_burst_together_and_not_one_by_one(confirmed):
    """Ten within ten minutes come singly; so many were told above, or are told here. What follows waits for its common mail."""
    for number in range(10):
        confirmed.device.run("send", confirmed.content.url + "/report.bin", "--name", f"burst-{number}.bin", "--wait", "--no-probe")
    confirmed.device.run("notify", "test")  # overtakes what waits; so nothing else is on its way
    tests = lambda: [mail for mail in confirmed.relay.mails if "test message" in mail["Subject"]]
    wait_until("the test", lambda: tests() and tests()[-1] is confirmed.relay.mails[-1])
    single = [mail for mail in confirmed.relay.mails if mail.recipients == [ANA] and mail.urls("/d/")]
    assert len(single) <= 10 and not any("burst-9.bin" in mail.text for mail in single)
