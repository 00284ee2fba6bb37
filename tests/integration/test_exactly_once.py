# SPDX-License-Identifier: Apache-2.0
"""The same sealed request over several channels, in any order, and with the server killed in between: one download, one fetch."""
import concurrent.futures
import itertools
import pathlib
import random
import shutil
import tempfile
import time

import pytest

from bed import documents, sealed
from bed.once import House


@pytest.fixture(scope="module")
def house():
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    house = House(work)
    yield house
    house.stop()
    shutil.rmtree(work, ignore_errors=True)


def cancellation_of(core: dict) -> dict:
    return {member: core[member] for member in ("v", "id", "aud", "iat", "exp")} | {"op": "cancel", "rev": 1}


def test_one_request_over_all_channels_is_one_download_and_one_fetch_in_every_order(house):
    def one_order(order) -> None:
        name, url = house.file()
        core = documents.document(house.place, url)
        document = house.seal(core)
        for channel in order:
            house.channels[channel](document)
        house.once(name, house.id_of(core))

    orders = list(itertools.permutations(house.channels))
    with concurrent.futures.ThreadPoolExecutor(len(orders)) as pool:
        list(pool.map(one_order, orders))


def test_all_channels_at_the_same_time_are_one_download_and_one_fetch(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    # Sealed anew for each: what counts is the document inside.
    ways = [(channel, house.seal(core)) for channel in 3 * list(house.channels.values())]

    with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
        list(pool.map(lambda way: way[0](way[1]), ways))

    house.once(name, house.id_of(core))


def test_the_check_sees_when_a_file_is_fetched_twice(house):
    """The control: the same order as two requests."""
    name, url = house.file()
    core, again = documents.document(house.place, url), documents.document(house.place, url)
    house.post(house.seal(core))
    house.once(name, house.id_of(core))
    house.post(house.seal(again))
    documents.ended(house.place, house.device.token, house.id_of(again))

    with pytest.raises(AssertionError):
        house.once(name, house.id_of(core))


def test_a_kill_between_two_channels_changes_nothing(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    document = house.seal(core)
    order = list(house.channels.values())
    random.shuffle(order)
    house.post(document)
    documents.ended(house.place, house.device.token, house.id_of(core))

    for channel in order:
        house.kill_and_start()
        channel(document)

    house.once(name, house.id_of(core))


def test_what_got_no_answer_because_the_server_was_killed_is_taken_once(house):
    """Killed at some moment of the acceptance, and sent again; it begins only afterwards, so that no fetch is cut."""
    name, url = house.file()
    core = documents.document(house.place, url, when={"start": "2037-01-01T00:00:00Z"})
    document, id_ = house.seal(core), house.id_of(core)
    for _ in range(4):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(sealed.post, house.place, document)
            time.sleep(random.uniform(0, 0.006))  # which moment: the point of the test
            house.kill_and_start()
            sending.exception()

    house.post(document)
    assert house.place.get(f"/v1/jobs/{id_}:now", house.device.token, "POST", b"")[0] == 200

    house.once(name, id_)


def test_a_request_whose_record_was_erased_is_known_over_every_channel(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    document, id_ = house.seal(core), house.id_of(core)
    house.post(document)
    house.once(name, id_)
    assert house.place.get(f"/v1/jobs/{id_}", house.device.token, "DELETE")[0] == 204

    house.kill_and_start()
    for channel in house.channels.values():
        channel(document)
    status, answer = sealed.post(house.place, document, house.device.token)

    assert (status, answer["id"], answer["state"]) == (200, id_, "done")
    assert house.fetches(name) == 1
    assert id_ not in [job["id"] for job in house.jobs()]


def test_another_document_with_the_same_id_is_refused_also_after_erasing(house):
    name, url = house.file()
    core = documents.document(house.place, url)
    id_ = house.id_of(core)
    house.post(house.seal(core))
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

    first, _ = sealed.post(house.place, house.seal(cancellation_of(core)))
    late, problem = sealed.post(house.place, house.seal(core))

    assert (first, late) == (404, 409)
    assert "cancelled" in problem["detail"]
    assert house.fetches(name) == 0


def test_a_sealed_cancellation_ends_what_has_not_begun(house):
    name, url = house.file()
    core = documents.document(house.place, url, when={"start": "2037-01-01T00:00:00Z"})
    house.post(house.seal(core))

    house.post(house.seal(cancellation_of(core)))
    house.fetched(house.seal(cancellation_of(core)))

    assert documents.job(house.place, house.device.token, house.id_of(core))["state"] == "cancelled"
    assert house.fetches(name) == 0
