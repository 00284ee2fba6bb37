# SPDX-License-Identifier: Apache-2.0
"""What a phone shares, handed in by curl as a Shortcut or an automation does it, with a key that may do nothing else."""
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile

import pytest
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until


class House:
    def __init__(self, work: pathlib.Path):
        self.work = work
        self.content = ContentServer(work / "content").start()
        self.place = Place(work / "place", config=ALLOW_LOOPBACK).start()
        self.place.add_user("ana")
        self.ana = Device(work / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        body = json.dumps({"kind": "submit", "label": "phone"}).encode()
        status, _, said = self.place.get("/v1/tokens", self.ana.token(), "POST", body, {"Content-Type": "application/json"})
        assert status == 201, said
        self.key = json.loads(said)["token"]

    def share(self, *arguments) -> tuple[int, dict]:
        command = ["curl", "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}",
                   "--header", f"Authorization: Bearer {self.key}", *map(str, arguments), f"{self.place.url}/v1/share"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    def arrived(self, name: str) -> bytes:
        path = self.place.data / "areas" / "ana" / name
        wait_until(f"{name} to arrive", path.exists, 20)
        return path.read_bytes()

    def end(self) -> None:
        self.place.stop()
        self.content.stop()
        shutil.rmtree(self.work, ignore_errors=True)


@pytest.fixture(scope="module")
def house():
    house = House(pathlib.Path(tempfile.mkdtemp(prefix="restante-test-")))
    yield house
    house.end()


def test_what_a_shortcut_sends_in_each_of_its_forms_arrives(house):
    names = [f"shared-{index}.bin" for index in range(6)]
    digests = {name: make_file(house.content.root / name, 40_000, seed) for seed, name in enumerate(names)}
    urls = [f"{house.content.url}/{name}" for name in names]
    links = house.work / "links.txt"
    links.write_text(urls[4] + "\n" + urls[5] + "\n")

    answers = [
        house.share("--header", "Content-Type: application/json", "--data", json.dumps({"url": urls[0], "title": "A page"})),
        house.share("--form", f"text=Look: {urls[1]}", "--form", "title=A page", "--form", "url="),
        house.share("--header", "Content-Type: text/plain", "--data-binary", urls[2]),
        house.share("--data-urlencode", f"url={urls[3]}"),
        house.share("--form", f"files=@{links};type=text/plain"),
    ]

    assert [status for status, _ in answers] == [202] * 5, answers
    assert [len(said["downloads"]) for _, said in answers] == [1, 1, 1, 1, 2]
    assert all(set(download) == {"id", "state"} for _, said in answers for download in said["downloads"])
    for name in names:
        assert hashlib.sha256(house.arrived(name)).hexdigest() == digests[name]


def test_the_key_of_a_phone_sees_and_changes_nothing(house):
    looks = ["/v1/jobs", "/v1/files", "/v1/events", "/v1/links", "/v1/session", "/v1/contacts", "/v1/tokens", "/v1/users"]

    assert [house.place.get(path, house.key)[0] for path in looks] == [403] * len(looks)
    before = house.ana.json("list")
    assert house.share("--header", "Content-Type: text/plain", "--data", "nothing to fetch")[0] == 400
    assert house.ana.json("list") == before


def test_secrets_in_a_shared_link_are_told_to_nobody(house):
    make_file(house.content.root / "private.bin", 10_000, 9)
    secret = "K4N4RYshared"
    url = house.content.url.replace("http://", f"http://ana:{secret}@") + f"/private.bin?key={secret}"

    status, said = house.share("--data-urlencode", f"text={url}")

    assert status == 202, said
    assert len(house.arrived("private.bin")) == 10_000
    assert secret not in json.dumps(said) + house.place.log()
