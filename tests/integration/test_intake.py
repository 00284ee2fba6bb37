# SPDX-License-Identifier: Apache-2.0
"""Requests that come by themselves: POST without a session, the open door, the drop folder, `restanted receive`."""
import base64
import json
import os
import pathlib
import shutil
import tempfile
import urllib.request

import pytest
from bed import documents, sealed
from bed.content import ContentServer
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import free_port, wait_until

CANARY = "canary-Pq93LmTz"


class House:
    """A place with an open door, a content server, and a device of ana's."""

    def __init__(self, folder: pathlib.Path):
        self.content = ContentServer(folder / "content").start()
        (self.content.root / "a.bin").write_bytes(b"a" * 5000)
        self.door = f"http://127.0.0.1:{free_port()}"
        self.place = Place(folder / "place", ALLOW_LOOPBACK + f'[listen]\nopen = ["{self.door[7:]}"]\n').start()
        self.place.add_user("ana")
        self.device = sealed.SigningDevice().connect(self.place, "ana")
        self.drop = self.place.data / "drop"

    def core(self, **members) -> dict:
        return documents.document(self.place, f"{self.content.url}/a.bin", **members)

    def seal(self, core: dict, device=None, form: str = "compact") -> str:
        return sealed.seal(sealed.newest_key(self.place), (device or self.device).sign(sealed.compact_json(core)), core["exp"], form)

    def ended(self, core: dict) -> str:
        id_ = sealed.job_id(self.device.jkt, core["id"])
        wait_until("the request to be taken", lambda: self.place.get(f"/v1/jobs/{id_}", self.device.token)[0] == 200)
        return documents.ended(self.place, self.device.token, id_)["state"]

    def jobs(self) -> list:
        return json.loads(self.place.get("/v1/jobs?limit=1000", self.device.token)[2])

    def stop(self) -> None:
        self.place.stop()
        self.content.stop()


@pytest.fixture(scope="module")
def house():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    house = House(folder)
    yield house
    house.stop()
    shutil.rmtree(folder, ignore_errors=True)


def with_password(house) -> dict:
    origin = house.content.url
    core = house.core(access=[{"id": "c1", "kind": "basic", "scope": [origin], "user": "ana", "password": CANARY}])
    core["what"]["files"][0]["sources"][0]["cred"] = ["c1"]
    return core


def posted_at(door: str, document: str, form: str) -> tuple[int, dict]:
    request = urllib.request.Request(door + "/v1/proxies", document.encode(), {"Content-Type": sealed.MEDIA_TYPES[form]})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        return answer.code, json.loads(answer.read())


def test_a_sealed_request_needs_no_session_and_tells_a_stranger_nothing(house):
    core = with_password(house)
    document = house.seal(core, form="json")

    status, told = sealed.post(house.place, document)
    again, same = sealed.post(house.place, document)
    mine, whole = sealed.post(house.place, document, house.device.token)

    assert (status, again, mine) == (202, 200, 200)
    assert set(told) == set(same) == {"id", "status"} and told["status"] == "accepted" and same["status"] == "replayed"
    assert whole["id"] == told["id"] == sealed.job_id(house.device.jkt, core["id"])
    assert whole["name"] == "a.bin"
    assert house.ended(core) == "done"


def test_what_is_only_signed_is_taken_without_secrets(house):
    plain, secret = house.core(), with_password(house)

    taken = sealed.post(house.place, house.device.sign(sealed.compact_json(plain)), form="compact")
    refused = sealed.post(house.place, house.device.sign(sealed.compact_json(secret)), form="compact")

    assert taken[0] == 202
    assert refused[0] == 403 and refused[1]["reason"] == "insecure"


@pytest.mark.parametrize("fault, reason, status", [
    ("another place", "not-for-me", 422), ("another maker", "invalid", 400), ("over", "expired", 422), ("from the future", "invalid", 400),
    ("no JSON", "malformed", 400), ("a name twice", "invalid", 400), ("nested", "invalid", 400), ("unknown crit", "cap-denied", 422)])
def test_what_is_sealed_well_is_judged_like_a_bare_document(house, fault, reason, status):
    core = house.core()
    core |= {"another place": {"aud": [{"jkt": "A" * 43}]}, "another maker": {"iss": {"jkt": "B" * 43}}, "over": {"exp": core["iat"] - 5},
             "from the future": {"iat": core["iat"] + 86_400}, "unknown crit": {"crit": ["shiny"]}}.get(fault, {})
    text = {"no JSON": "hello", "a name twice": sealed.compact_json(core)[:-1] + ',"v":1}',
            "nested": '{"v":1,"ext":' + "[" * 100 + "]" * 100 + "}"}.get(fault, sealed.compact_json(core))
    document = sealed.seal(sealed.newest_key(house.place), house.device.sign(text), sealed.soon())
    before = len(house.jobs())

    answer = sealed.post(house.place, document)

    assert (answer[0], answer[1]["reason"]) == (status, reason), answer
    assert len(house.jobs()) == before


def test_a_stranger_is_told_how_to_connect_and_a_revoked_device_too(house):
    stranger = sealed.SigningDevice()
    lost = sealed.SigningDevice().connect(house.place, "ana", "a lost phone")
    made_before = house.seal(house.core(), lost)
    assert house.place.get(f"/v1/devices/{lost.jkt}", house.device.token, "DELETE")[0] == 204

    answers = [sealed.post(house.place, document) for document in (house.seal(house.core(), stranger), made_before)]

    for status, problem in answers:
        assert status == 403 and problem["reason"] == "unknown-device" and "restanted pair" in problem["hint"]


def test_the_open_door_takes_sealed_requests_and_nothing_that_others_can_read(house):
    core = house.core()
    signed = house.device.sign(sealed.compact_json(core))

    by_door = posted_at(house.door, house.seal(core), "compact")
    not_sealed = posted_at(house.door, signed, "compact")
    keys = urllib.request.urlopen(house.door + "/.well-known/restante-jwks.json").read()

    assert by_door[0] == 202
    assert not_sealed[0] == 403 and not_sealed[1]["reason"] == "insecure"
    assert json.loads(keys)["keys"][0] == sealed.newest_key(house.place)


def test_whoever_sends_in_vain_has_to_wait_and_others_do_not(tmp_path):
    place = Place(tmp_path / "place").start()
    place.add_user("ana")
    device = sealed.SigningDevice().connect(place, "ana")
    document = sealed.request(place, device, "http://127.0.0.1:9/a")
    broken = document[:-4] + "AAAA"

    answers = [sealed.post(place, broken)[0] for _ in range(60)]
    known = sealed.post(place, broken, device.token)[0]
    by_socket = place.run("--json", "receive", input=document)
    place.stop()

    assert answers[:30] == [422] * 30 and answers[-1] == 429
    assert known == 422, "whoever is known is heard from the same address"
    assert json.loads(by_socket.stdout)["status"] == "accepted", "other channels are not stopped"


def test_the_drop_folder_takes_what_is_laid_there_and_sets_poison_aside(house):
    core, other = house.core(), house.core()
    good = house.seal(core)
    os.mkfifo(house.drop / "pipe")
    os.symlink("/etc/hostname", house.drop / "link.restante")
    (house.drop / "poison.restante").write_text("no request")
    (house.drop / "broken.restante").write_text(good[:-4] + "AAAA")
    (house.drop / "huge.restante").write_bytes(b"x" * (5 << 20))
    (house.drop / "unfinished.part").write_text(good)
    (house.drop / ".hidden").write_text(good)

    (house.drop / "good.restante").write_text(good)
    (house.drop / ".coming").write_text(house.seal(other, form="json"))
    (house.drop / ".coming").rename(house.drop / "other.restante")

    wait_until("the good ones to be taken", lambda: not list(house.drop.glob("[go]*.restante")))
    assert house.ended(core) == house.ended(other) == "done"
    aside = house.drop / "refused"
    for name, word in (("poison", "invalid"), ("broken", "bad-signature"), ("huge", "too-large")):
        wait_until(f"the reason for {name}", lambda name=name: (aside / f"{name}.restante.reason.txt").exists())
        assert f"reason: {word}" in (aside / f"{name}.restante.reason.txt").read_text()
        assert not (house.drop / f"{name}.restante").exists()
    assert {path.name for path in house.drop.iterdir()} == {"pipe", "link.restante", "unfinished.part", ".hidden", "refused"}


def test_what_was_laid_down_while_nobody_was_there_is_taken_at_the_next_start(house):
    core, later = house.core(), house.core()
    (by_receive, by_hand) = house.seal(core), house.seal(later)
    house.place.stop()
    queued = house.place.run("--json", "receive", input=by_receive)
    (house.drop / "by-hand.restante").write_text(by_hand)
    house.place.start()

    assert json.loads(queued.stdout) == {"status": "queued"}
    assert house.ended(core) == house.ended(later) == "done"


def test_a_drop_folder_that_is_not_there_stops_nothing_else(tmp_path):
    place = Place(tmp_path / "place", ALLOW_LOOPBACK + '[drop]\npath = "/nonexistent/stick/drop"\n').start()
    place.add_user("ana")

    assert place.get("/healthz")[0] == 200
    assert "the drop folder is not looked at" in place.log()
    place.stop()


def test_more_files_than_a_round_takes_are_taken_at_once(tmp_path):
    place = Place(tmp_path / "place").start()
    place.add_user("ana")
    drop = place.data / "drop"
    place.stop()
    texts = [f"no request {number}" for number in range(130)]
    for number, text in enumerate(texts):
        (drop / f"{number}.txt").write_text(text)
    place.start()

    wait_until("all of them to be set aside", lambda: not list(drop.glob("*.txt")), 20)
    assert len(list((drop / "refused").glob("*.reason.txt"))) == len(texts)
    place.stop()


def test_receive_takes_documents_links_and_mails(house):
    first, second, third = (house.core() for _ in range(3))
    attached = base64.b64encode(house.seal(second, form="json").encode()).decode()
    mail = ("From: ana@mail.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
            f"and https://home.example/p#{house.seal(third)}\n--b\nContent-Type: application/octet-stream; name=week.restante\n"
            f"Content-Transfer-Encoding: base64\n\n{attached}\n--b--\n")

    one = house.place.run("--json", "receive", input="web+restante:p/" + house.seal(first))
    many = house.place.run("--json", "receive", input=mail)
    refused = house.place.run("--json", "receive", input=house.seal(first)[:-4] + "AAAA", check=False)
    nothing = house.place.run("receive", input="hello", check=False)

    assert json.loads(one.stdout)["status"] == "accepted"
    assert {json.loads(line)["job"] for line in many.stdout.splitlines()} == {sealed.job_id(house.device.jkt, core["id"]) for core in (second, third)}
    assert refused.returncode == 1 and json.loads(refused.stdout.splitlines()[0])["reason"] == "bad-signature"
    assert nothing.returncode == 1 and "no request in it" in nothing.stderr


def test_no_secret_of_a_sealed_request_is_told_or_kept_unsealed(house):
    for name, document in (("accepted", house.seal(with_password(house))), ("broken", house.seal(with_password(house))[:-4] + "AAAA")):
        (house.drop / f"{name}.restante").write_text(document)
    wait_until("both to be judged", lambda: not list(house.drop.glob("*ed.restante")) and not (house.drop / "broken.restante").exists())

    assert CANARY not in house.place.log()
    for path in house.place.data.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert CANARY.encode() not in path.read_bytes(), path
