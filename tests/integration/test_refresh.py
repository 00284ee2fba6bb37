# SPDX-License-Identifier: Apache-2.0
"""`restante refresh`: the same bytes go on under a new link, or begin again where it leads to something else."""
import hashlib
import os

import pytest

from bed.content import ContentServer
from bed.process import wait_until

SIZE = 6_000_000


@pytest.fixture
def other(work):
    """The content's new home: another origin, without a limit of its rate."""
    server = ContentServer(work / "other").start()
    yield server
    server.stop()


@pytest.fixture
def slow(work):
    server = ContentServer(work / "slow", rate="1500k").start()
    yield server
    server.stop()


def put(server, name: str, data: bytes, modified: int = 1_700_000_000) -> None:
    path = server.root / name
    path.write_bytes(data)
    os.utime(path, (modified, modified))


def job_of(ana, job: str) -> dict:
    return ana.json("show", job)[0]


def causes(ana, job: str) -> list[str]:
    return [row["cause"] for row in job_of(ana, job)["history"]]


def send_and_wait_for_some(ana, url: str) -> str:
    job = ana.json("send", url, "--no-probe", "--name", "file.bin")[0]["id"]
    wait_until("some bytes", lambda: job_of(ana, job)["received_bytes"] >= 1_000_000)
    return job


def done(place, ana, job: str, data: bytes) -> dict:
    wait_until("the end", lambda: job_of(ana, job)["state"] in ("done", "failed", "held"))
    found = job_of(ana, job)
    assert found["state"] == "done", found
    assert hashlib.sha256((place.data / "areas" / "ana" / "file.bin").read_bytes()).digest() == hashlib.sha256(data).digest()
    return found


def test_what_runs_goes_on_under_a_link_to_the_same_content(place, ana, slow, other):
    data = os.urandom(SIZE)
    put(slow, "a.bin", data)
    put(other, "b.bin", data)
    job = send_and_wait_for_some(ana, f"{slow.url}/a.bin")

    answer = ana.json("refresh", job, f"{other.url}/b.bin")

    assert answer[0]["id"] == job
    found = done(place, ana, job, data)
    assert "user:refresh" in causes(ana, job) and "file 0: begins again" not in causes(ana, job)
    assert "wasted_bytes" not in found["files"][0]
    line = other.requests()[-1]
    assert '" 206 ' in line and int(line.split('" 206 ')[1].split()[0]) < SIZE - 900_000


def test_a_link_that_leads_to_another_content_begins_again_and_says_so(place, ana, slow, other):
    put(slow, "a.bin", os.urandom(SIZE))
    data = os.urandom(SIZE)
    put(other, "b.bin", data, modified=1_700_000_001)
    job = send_and_wait_for_some(ana, f"{slow.url}/a.bin")

    ana.run("refresh", job, f"{other.url}/b.bin")

    found = done(place, ana, job, data)
    again = [row for row in found["history"] if row["cause"] == "file 0: begins again"]
    assert again and again[0]["reason"] == "source-changed"
    assert found["files"][0]["wasted_bytes"] >= 900_000


def test_bytes_that_differ_are_found_although_size_and_date_agree(place, ana, slow, other):
    put(slow, "a.bin", os.urandom(SIZE))
    data = os.urandom(SIZE)
    put(other, "b.bin", data)
    job = send_and_wait_for_some(ana, f"{slow.url}/a.bin")

    ana.run("refresh", job, f"{other.url}/b.bin")

    done(place, ana, job, data)
    assert "file 0: begins again" in causes(ana, job)


def test_a_paused_download_takes_the_link_and_stays_paused(place, ana, slow, other):
    data = os.urandom(SIZE)
    put(slow, "a.bin", data)
    put(other, "b.bin", data)
    job = send_and_wait_for_some(ana, f"{slow.url}/a.bin")
    ana.run("pause", job)

    ana.run("refresh", job, f"{other.url}/b.bin")

    assert job_of(ana, job)["state"] == "paused"
    ana.run("resume", job)
    done(place, ana, job, data)
    assert "file 0: begins again" not in causes(ana, job)


def test_a_link_that_ran_out_holds_the_download_until_a_new_one_comes(place, ana, work, slow, other):
    data = os.urandom(SIZE)
    put(slow, "a.bin", data)
    put(other, "b.bin", data)
    job = send_and_wait_for_some(ana, f"{slow.url}/a.bin")
    ana.run("pause", job)
    (slow.root / "a.bin").chmod(0)
    slow.stop()
    slow.extra = "location /a.bin { return 403; }"
    slow.start()
    ana.run("resume", job)
    wait_until("it needs a person", lambda: job_of(ana, job)["state"] in ("held", "failed"))
    assert "refresh" in job_of(ana, job)["why"]

    ana.run("refresh", job, f"{other.url}/b.bin")

    done(place, ana, job, data)
    assert '" 206 ' in other.requests()[-1]


def test_secrets_stay_with_the_server_that_they_were_given_for(place, ana, slow, other):
    data = os.urandom(SIZE)
    (slow.root / "private").mkdir()
    put(slow, "private/a.bin", data)
    put(other, "b.bin", data)
    job = ana.json("send", f"{slow.url}/private/a.bin", "--no-probe", "--name", "file.bin", "--user", "ana", "--secret-stdin",
                   "--header", "X-Token: canary", "--referer", f"{slow.url}/page?canary", input="open sesame\n")[0]["id"]
    wait_until("some bytes", lambda: job_of(ana, job)["received_bytes"] >= 1_000_000)

    ana.run("refresh", job, f"{other.url}/b.bin")

    done(place, ana, job, data)
    assert any(" ana " in line and "canary" in line for line in slow.requests()), "it was sent where it belongs"
    line = other.requests()[-1]
    assert " ana " not in line and "canary" not in line and slow.url not in line


def test_links_that_cannot_be_used_are_refused_and_change_nothing(place, ana, slow):
    put(slow, "a.bin", os.urandom(SIZE))
    job = send_and_wait_for_some(ana, f"{slow.url}/a.bin")
    ana.run("pause", job)

    for url, reason in (("ftp://127.0.0.1/a", "scheme"), ("http://ana:secret@127.0.0.1/a", "invalid")):
        refused = ana.run("--json", "refresh", job, url, check=1)
        assert reason in refused.stdout and "secret" not in refused.stdout + refused.stderr
    ana.run("refresh", job, "not a link at all", check=2)
    ana.run("refresh", "ffff", f"{slow.url}/a.bin", check=1)

    assert "user:refresh" not in causes(ana, job)
