# SPDX-License-Identifier: Apache-2.0
"""One content over several connections and from several content servers: only where that helps, never more than a server
bears, never from two servers without a digest, and nothing is fetched again after a stop."""
import hashlib
import re
import time

import pytest

from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

MB = 1_000_000
LINE = re.compile(r'"GET (\S+) HTTP/1\.1" (\d+) (\d+)')


class Stage:
    def __init__(self, folder):
        self.folder = folder
        self.servers = []
        self.place = None

    def server(self, name: str, **options) -> ContentServer:
        one = ContentServer(self.folder / name, **options).start()
        self.servers.append(one)
        return one

    def open(self, config: str = "") -> "Stage":
        self.place = Place(self.folder / "place", ALLOW_LOOPBACK + config).start()
        self.place.add_user("ana")
        self.ana = Device(self.folder / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        return self

    def area(self, name: str) -> str:
        return hashlib.sha256((self.place.data / "areas" / "ana" / name).read_bytes()).hexdigest()

    def show(self, job: str) -> dict:
        return self.ana.json("show", job)[0]

    def close(self):
        if self.place:
            self.place.stop()
        for one in self.servers:
            one.stop()


@pytest.fixture
def stage(work):
    one = Stage(work)
    yield one
    one.close()


def answers(server: ContentServer, path: str) -> list[tuple[int, int]]:
    """Status and bytes of each answer, in the order in which they ended. A log line comes with the end of an answer."""
    found = LINE.findall((server.folder / "access.log").read_text())
    return [(int(status), int(size)) for asked, status, size in found if asked == path]


def test_what_a_server_gives_slowly_comes_over_several_connections(stage):
    slow = stage.server("slow", rate="1500k")
    digest = make_file(slow.root / "f.bin", 16 * MB, 1)
    stage.open()

    stage.ana.run("send", slow.url + "/f.bin", "--wait")

    assert stage.area("f.bin") == digest
    seen = answers(slow, "/f.bin")
    # The first one, and parts, which are shared out once more at the end.
    assert 2 <= len(seen) <= 24 and [status for status, _ in seen].count(206) == len(seen) - 1
    assert sum(size for _, size in seen) <= 16 * MB + 4 * MB  # what was under way when a connection's part became shorter


@pytest.mark.parametrize("config", ["[limits]\nconnections_per_download = 1\n", "[[servers]]\nhost = \"127.0.0.1\"\nconnections = 1\n"],
                         ids=["limit", "server"])
def test_no_more_connections_than_the_place_allows(stage, config):
    slow = stage.server("slow", rate="2m")
    digest = make_file(slow.root / "f.bin", 9 * MB, 2)
    stage.open(config)

    stage.ana.run("send", slow.url + "/f.bin", "--wait")

    assert stage.area("f.bin") == digest
    assert answers(slow, "/f.bin") == [(200, 9 * MB)]


def test_what_comes_quickly_and_what_is_small_has_one_connection(stage):
    quick = stage.server("quick")
    digests = {f"{size}.bin": make_file(quick.root / f"{size}.bin", size, size) for size in (60 * MB, 900_000)}
    stage.open()

    for name in digests:
        stage.ana.run("send", f"{quick.url}/{name}", "--wait")

    for name, digest in digests.items():
        assert stage.area(name) == digest
        assert len(answers(quick, f"/{name}")) == 1


def test_a_server_that_bears_one_connection_is_not_pressed(stage):
    strict = stage.server("strict", rate="1500k", extra="limit_conn one 1; limit_conn_status 503;",
                          before="limit_conn_zone $binary_remote_addr zone=one:1m;")
    digest = make_file(strict.root / "f.bin", 16 * MB, 3)
    stage.open()

    stage.ana.run("send", strict.url + "/f.bin", "--wait")

    assert stage.area("f.bin") == digest
    seen = [status for status, _ in answers(strict, "/f.bin")]
    assert seen.count(200) == 1 and 1 <= seen.count(503) <= 3


def test_after_a_pause_and_a_kill_all_connections_go_on_where_they_stopped(stage):
    slow = stage.server("slow", rate="1m")
    size = 24 * MB
    digest = make_file(slow.root / "f.bin", size, 4)
    stage.open()
    job = stage.ana.json("send", slow.url + "/f.bin")[0]["id"]

    def over(bytes_):
        wait_until(f"{bytes_} bytes", lambda: stage.show(job)["received_bytes"] >= bytes_, 60, 0.05)

    over(8 * MB)
    stage.ana.run("pause", job)
    wait_until("the pause", lambda: stage.show(job)["state"] == "paused", 20, 0.05)
    assert stage.show(job)["received_bytes"] >= 8 * MB
    stage.ana.run("resume", job)
    over(14 * MB)
    stage.place.kill()
    stage.place.start()
    assert stage.show(job)["received_bytes"] >= 8 * MB
    wait_until("the end", lambda: stage.show(job)["state"] == "done", 90, 0.1)

    assert stage.area("f.bin") == digest
    seen = answers(slow, "/f.bin")
    assert len(seen) > 6
    # A log line counts what the server gave to its kernel: of each of the four connections some of it lay there when it ended.
    assert sum(size for _, size in seen) <= size + 2 * MB + 8 * MB


def test_what_is_shown_of_an_arriving_file_is_its_beginning_only(stage):
    slow = stage.server("slow", rate="1m")
    make_file(slow.root / "f.bin", 20 * MB, 5)
    stage.open()
    job = stage.ana.json("send", slow.url + "/f.bin")[0]["id"]
    wait_until("several connections", lambda: stage.show(job)["received_bytes"] >= 8 * MB, 60, 0.05)

    received = stage.show(job)["received_bytes"]
    status, _, body = stage.place.get(f"/v1/jobs/{job}/files/0", stage.ana.token())

    assert status == 200 and 1 * MB < len(body) < received
    assert body == (slow.root / "f.bin").read_bytes()[: len(body)]
    stage.ana.run("cancel", job)


def test_mirrors_share_the_work_where_a_digest_proves_the_whole(stage):
    one, two = stage.server("one", rate="1500k"), stage.server("two", rate="1500k")
    digest = make_file(one.root / "f.bin", 20 * MB, 6)
    make_file(two.root / "f.bin", 20 * MB, 6)
    stage.open()

    stage.ana.run("send", one.url + "/f.bin", "--mirror", two.url + "/f.bin", "--checksum", f"sha-256={digest}", "--wait")

    assert stage.area("f.bin") == digest
    assert answers(one, "/f.bin") and answers(two, "/f.bin")


def test_without_a_digest_only_one_of_two_servers_is_asked(stage):
    one, two = stage.server("one", rate="1500k"), stage.server("two", rate="1500k")
    digest = make_file(one.root / "f.bin", 12 * MB, 7)
    make_file(two.root / "f.bin", 12 * MB, 8)
    stage.open()

    stage.ana.run("send", one.url + "/f.bin", "--mirror", two.url + "/f.bin", "--wait")

    assert stage.area("f.bin") == digest
    assert answers(two, "/f.bin") == []


def test_a_mirror_with_other_bytes_does_no_harm(stage):
    right, wrong = stage.server("right", rate="1500k"), stage.server("wrong", rate="1500k")
    digest = make_file(right.root / "f.bin", 16 * MB, 9)
    make_file(wrong.root / "f.bin", 16 * MB, 10)
    stage.open()

    stage.ana.run("send", right.url + "/f.bin", "--mirror", wrong.url + "/f.bin", "--checksum", f"sha-256={digest}", "--wait")

    assert stage.area("f.bin") == digest
    assert answers(wrong, "/f.bin"), "it was asked, and found out"


def test_a_server_that_dies_is_gone_on_from_at_another_one(stage):
    one, two = stage.server("one", rate="1m"), stage.server("two", rate="8m")
    digest = make_file(one.root / "f.bin", 12 * MB, 11)
    make_file(two.root / "f.bin", 12 * MB, 11)
    stage.open("[limits]\nconnections_per_download = 1\n")
    job = stage.ana.json("send", one.url + "/f.bin", "--mirror", two.url + "/f.bin", "--checksum", f"sha-256={digest}")[0]["id"]
    wait_until("a third", lambda: stage.show(job)["received_bytes"] >= 4 * MB, 60, 0.05)
    one.stop()
    end = time.monotonic() + 60
    while stage.show(job)["state"] != "done" and time.monotonic() < end:
        if stage.show(job)["state"] == "waiting":
            stage.ana.run("now", job)
        time.sleep(0.2)

    assert stage.area("f.bin") == digest
    assert sum(size for _, size in answers(two, "/f.bin")) <= 9 * MB
