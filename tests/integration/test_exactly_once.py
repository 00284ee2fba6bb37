# SPDX-License-Identifier: Apache-2.0
"""The same sealed request over several channels, in any order, and with the server killed in between: one download, one fetch."""
import concurrent.futures
import email.message
import email.policy
import itertools
import json
import pathlib
import random
import shutil
import tempfile
import time

import pytest

from bed import documents, sealed
from bed.content import ContentServer, make_file
from bed.place import Place
from bed.process import wait_until


class House:
    """A place, a connected device that seals, and a content server that counts."""

    def __init__(self, work: pathlib.Path):
        self.work, self.number = work, 0
        self.content = ContentServer(work / "content").start()
        self.place = Place(work / "place").start()
        self.place.add_user("ana")
        self.device = sealed.SigningDevice().connect(self.place, "ana")

    def stop(self) -> None:
        self.place.stop()
        self.content.stop()

    def file(self) -> tuple[str, str]:
        """A new file at the content server: name and URL."""
        self.number += 1
        name = f"film-{self.number}.bin"
        make_file(self.content.root / name, 20_000, self.number)
        return name, f"{self.content.url}/{name}"

    def fetches(self, name: str) -> int:
        return sum(1 for line in self.content.requests() if f'"GET /{name} ' in line)

    def seal(self, core: dict) -> str:
        return sealed.seal(sealed.newest_key(self.place), self.device.sign(sealed.compact_json(core)), core["exp"])

    def jobs(self) -> list[dict]:
        return json.loads(self.place.get("/v1/jobs?limit=1000", self.device.token)[2])

    def kill_and_start(self) -> None:
        self.place.kill()
        self.place.start()

    def once(self, name: str, id_: str) -> None:
        """One job of that document, done, and one fetch of its file."""
        assert documents.ended(self.place, self.device.token, id_)["state"] == "done"
        assert [job["id"] for job in self.jobs()].count(id_) == 1
        assert [job["name"] for job in self.jobs()].count(name) == 1
        wait_until("nginx to write its log", lambda: self.fetches(name))
        assert self.fetches(name) == 1
        assert len(list((self.place.data / "areas" / "ana").glob(f"{name.removesuffix('.bin')}*"))) == 1


@pytest.fixture(scope="module")
def house():
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    house = House(work)
    yield house
    house.stop()
    shutil.rmtree(work, ignore_errors=True)


def post(house: House, document: str) -> None:
    status, answer = sealed.post(house.place, document)
    assert status in (200, 202), answer


def receive(house: House, document: str) -> None:
    done = house.place.run("--json", "receive", input=document)
    assert json.loads(done.stdout)["status"] in ("accepted", "replayed"), done.stdout


def receive_mail(house: House, document: str) -> None:
    """As a mail server's pipe hands it over."""
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ana@example.net", "box@example.org", "a request"
    mail.set_content("Please.")
    mail.add_attachment(document.encode(), "application", "vnd.restante.sealed+json", filename="film.restante")
    receive(house, mail.as_bytes(policy=email.policy.SMTP).decode())


CHANNELS = {"post": post, "receive": receive, "mail": receive_mail}


@pytest.mark.parametrize("order", list(itertools.permutations(CHANNELS)), ids="-".join)
def test_one_request_over_three_channels_is_one_download_and_one_fetch(house, order):
    name, url = house.file()
    core = documents.document(house.place, url)
    document = house.seal(core)

    for channel in order:
        CHANNELS[channel](house, document)

    house.once(name, sealed.job_id(house.device.jkt, core["id"]))


def test_three_channels_at_the_same_time_are_one_download_and_one_fetch(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    # Sealed anew for each: what counts is the document inside.
    documents_ = [house.seal(core) for _ in range(3 * len(CHANNELS))]

    with concurrent.futures.ThreadPoolExecutor(len(documents_)) as pool:
        list(pool.map(lambda pair: pair[0](house, pair[1]), zip(itertools.cycle(CHANNELS.values()), documents_)))

    house.once(name, sealed.job_id(house.device.jkt, core["id"]))


def test_the_check_sees_when_a_file_is_fetched_twice(house):
    """The control: the same order as two requests."""
    name, url = house.file()
    core = documents.document(house.place, url)
    post(house, house.seal(core))
    house.once(name, sealed.job_id(house.device.jkt, core["id"]))
    again = documents.document(house.place, url)
    post(house, house.seal(again))
    documents.ended(house.place, house.device.token, sealed.job_id(house.device.jkt, again["id"]))

    with pytest.raises(AssertionError):
        house.once(name, sealed.job_id(house.device.jkt, core["id"]))


def test_a_kill_between_two_channels_changes_nothing(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    document = house.seal(core)
    order = list(CHANNELS.values())
    random.shuffle(order)

    for channel in order:
        channel(house, document)
        house.kill_and_start()

    house.once(name, sealed.job_id(house.device.jkt, core["id"]))


def test_what_got_no_answer_because_the_server_was_killed_is_taken_once(house):
    """Killed at some moment of the acceptance; what was sent is sent again until there is an answer."""
    name, url = house.file()
    core = documents.document(house.place, url)
    document = house.seal(core)
    for _ in range(4):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(sealed.post, house.place, document)
            time.sleep(random.uniform(0, 0.006))  # which moment: the point of the test
            house.kill_and_start()
            answered = not sending.exception()
    if answered:
        print("the last answer came before the kill")

    status, answer = sealed.post(house.place, document)

    assert status in (200, 202), answer
    house.once(name, sealed.job_id(house.device.jkt, core["id"]))


def test_a_request_whose_record_was_erased_is_known_over_every_channel(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    document, id_ = house.seal(core), sealed.job_id(house.device.jkt, core["id"])
    post(house, document)
    house.once(name, id_)
    assert house.place.get(f"/v1/jobs/{id_}", house.device.token, "DELETE")[0] == 204

    house.kill_and_start()
    for channel in CHANNELS.values():
        channel(house, document)
    status, answer = sealed.post(house.place, document, house.device.token)

    assert (status, answer["id"], answer["state"]) == (200, id_, "done")
    assert house.fetches(name) == 1
    assert id_ not in [job["id"] for job in house.jobs()]


def test_another_document_with_the_same_id_is_refused_also_after_erasing(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    id_ = sealed.job_id(house.device.jkt, core["id"])
    post(house, house.seal(core))
    house.once(name, id_)
    other = {**core, "what": {"files": [{"sources": [{"url": house.file()[1]}]}]}}

    before, problem = sealed.post(house.place, house.seal(other))
    assert house.place.get(f"/v1/jobs/{id_}", house.device.token, "DELETE")[0] == 204
    after, again = sealed.post(house.place, house.seal({**other, "rev": 7}))

    assert (before, after) == (409, 409)
    assert problem["type"] == again["type"] == "/problems/conflict"


def test_a_cancellation_that_overtakes_its_request_holds(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    cancellation = {member: core[member] for member in ("v", "id", "aud", "iat", "exp")} | {"op": "cancel", "rev": 1}

    first, _ = sealed.post(house.place, house.seal(cancellation))
    late, problem = sealed.post(house.place, house.seal(core))

    assert (first, late) == (404, 409)
    assert "cancelled" in problem["detail"]
    assert house.fetches(name) == 0


def test_a_sealed_cancellation_ends_what_has_not_begun(house):
    name, url = house.file()
    core = documents.document(house.place, url, when={"start": "2037-01-01T00:00:00Z"})
    cancellation = {member: core[member] for member in ("v", "id", "aud", "iat", "exp")} | {"op": "cancel", "rev": 1}
    post(house, house.seal(core))

    post(house, house.seal(cancellation))
    post(house, house.seal(cancellation))

    id_ = sealed.job_id(house.device.jkt, core["id"])
    assert documents.job(house.place, house.device.token, id_)["state"] == "cancelled"
    assert house.fetches(name) == 0
