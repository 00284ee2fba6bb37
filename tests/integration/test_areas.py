# SPDX-License-Identifier: Apache-2.0
"""Areas as people keep files: what other programs do there, folders, trash, owners, quota (THREATS.md D16), traffic."""
import http.server
import json
import os
import threading
import urllib.parse

import pytest
from bed.device import Device
from bed.place import Place
from bed.process import wait_until

MIB = 1 << 20
BLOCK = 64 << 10


@pytest.fixture
def bob(work):
    place = Place(work / "place").start()
    place.add_user("bob")
    device = Device(work / "bob")
    device.connect("home", place.pair("bob"))
    device.area = place.data / "areas" / "bob"
    device.place = place
    yield device
    place.stop()


class Chunks(http.server.BaseHTTPRequestHandler):
    """/sized/N and /chunked/N: so many bytes, the second without saying how many."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        _, kind, size = self.path.split("/")[:3]
        left = int(size)
        self.send_response(200)
        self.send_header(*(("Content-Length", size) if kind == "sized" else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        try:
            while left > 0:
                piece = b"x" * min(BLOCK, left)
                left -= len(piece)
                self.wfile.write(piece if kind == "sized" else b"%x\r\n%s\r\n" % (len(piece), piece))
            if kind == "chunked":
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def chunks():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chunks)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def call(device, method, path, body=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    status, _, content = device.place.get(path, device.token(), method, json.dumps(body).encode() if body is not None else None, headers)
    return status, json.loads(content) if content else None


def names(device):
    return sorted(file["name"] for file in device.json("files"))


def test_what_other_programs_do_shows_in_the_list(bob, publish):
    url, _ = publish("ours.bin")
    bob.run("send", url, "--wait")
    ours = bob.json("files")[0]["id"]
    (bob.area / "share").mkdir()
    (bob.area / "share" / "theirs.txt").write_text("of another program")

    found = {file["name"]: file for file in bob.json("files")}
    assert found["share/theirs.txt"]["flags"] == ["foreign"] and "job" not in found["share/theirs.txt"]
    assert bob.run("get", "share/theirs.txt", "-o", "-").stdout == "of another program"

    os.rename(bob.area / "ours.bin", bob.area / "share" / "moved.bin")
    assert {file["name"]: file["id"] for file in bob.json("files")}["share/moved.bin"] == ours
    (bob.area / "share" / "theirs.txt").unlink()
    assert names(bob) == ["share/moved.bin"]
    assert not bob.place.run("check").stdout.count("fault")


def test_changes_are_seen_while_nobody_lists(bob):
    bob.area.mkdir(parents=True)
    bob.json("files")
    (bob.area / "new" / "deep").mkdir(parents=True)
    (bob.area / "new" / "deep" / "a.bin").write_bytes(b"x" * 1000)

    # `user list` reads the rows only: it is the kernel that told of the file.
    wait_until("the file to be counted", lambda: json.loads(bob.place.run("--json", "user", "list").stdout)["used_bytes"] == 1000, 20)


def test_folders_and_trash_by_command(bob):
    (bob.area / "films").mkdir(parents=True)
    for name in ("a.mp4", "b.mp4"):
        (bob.area / "films" / name).write_text(name)

    assert bob.run("move", "films/a.mp4", "../best/a.mp4").stdout == "best/a.mp4\n"
    assert bob.run("move", "films", "old/films").stdout == "old/films\n"
    bob.run("move", "old", "best", check=1)
    assert names(bob) == ["best/a.mp4", "old/films/b.mp4"]
    listing = call(bob, "GET", "/v1/files?folder=old")[1]
    assert listing == {"folders": [{"path": "old/films"}], "files": []}
    assert call(bob, "POST", "/v1/folders", {"path": "new/../er"}) == (201, {"path": "new/er"})
    assert (bob.area / "new" / "er").is_dir()

    bob.run("remove", "old")
    assert names(bob) == ["best/a.mp4"] and not (bob.area / "old").exists()
    assert [one["name"] for one in bob.json("trash", "list")] == ["old/films/b.mp4"]
    assert bob.run("trash", "restore", "old/films/b.mp4").stdout == "old/films/b.mp4\n"
    assert (bob.area / "old/films/b.mp4").read_text() == "b.mp4"
    bob.run("remove", "best/a.mp4", "--now")
    assert bob.json("trash", "list") == []
    bob.run("remove", "old/films/b.mp4")
    bob.run("trash", "empty")
    assert bob.json("trash", "list") == [] and not list((bob.place.data / "trash").rglob("*/*"))
    bob.run("trash", "restore", "old/films/b.mp4", check=1)
    bob.run("remove", "none", check=1)


def test_an_owner_that_is_not_there_stops_the_start_and_says_so(work):
    place = Place(work / "place", '[areas]\nowner = "nobody-of-this-name"\n')

    done = place.run("check", check=False)

    assert done.returncode in (1, 2) and "nobody-of-this-name" in done.stderr and "[areas] owner" in done.stderr


def test_files_belong_to_the_group_and_have_the_modes_of_the_configuration(work, publish):
    config = '[address_guard]\nallow = ["127.0.0.0/8"]\n[areas]\ngroup = 2345\nfile_mode = "0640"\nfolder_mode = "02770"\n'
    place = Place(work / "place", config).start()
    try:
        place.add_user("bob")
        device = Device(work / "bob")
        device.connect("home", place.pair("bob"))
        device.run("send", publish("a.bin")[0], "--folder", "in", "--wait")
        file, folder = ((place.data / "areas/bob" / name).stat() for name in ("in/a.bin", "in"))
        assert (file.st_gid, file.st_mode & 0o7777, folder.st_gid, folder.st_mode & 0o7777) == (2345, 0o640, 2345, 0o2770)
    finally:
        place.stop()


def on_disk(place):
    total = 0
    for folder in ("incoming", "areas", "trash"):
        for path in (place.data / folder).rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                pass
    return total


class Meter:
    """Looks at the disk all the time, and keeps the most that was there."""

    def __init__(self, place):
        self.place, self.most, self.over = place, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.01):
            self.most = max(self.most, on_disk(self.place))

    def stop(self):
        self.over.set()
        self.thread.join()
        return max(self.most, on_disk(self.place))


def test_a_quota_is_kept_whichever_way_bytes_come(work, chunks):
    """D16: one size that fits not, chunked without a length, many small files, several at once, deleted files that make room."""
    quota = 10 * MIB
    place = Place(work / "place", '[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nsubmit_per_minute = 10000\n').start()
    try:
        place.add_user("bob", "--quota", str(quota))
        bob = Device(work / "bob")
        bob.connect("home", place.pair("bob"))
        bob.place = place
        meter = Meter(place)

        def settled():
            return all(job["state"] in ("done", "failed", "cancelled") or job.get("reason") == "quota" for job in bob.json("list"))

        def cancel_all():
            live = [job["id"] for job in bob.json("list") if job["state"] not in ("done", "failed", "cancelled")]
            if live:
                bob.run("cancel", *live)

        bob.run("send", f"{chunks}/sized/{quota + 1}", "--no-probe")
        bob.run("send", f"{chunks}/chunked/{quota + 1}", "--no-probe")
        wait_until("both to wait for room", settled, 40)
        cancel_all()
        bob.run("send", *(f"{chunks}/sized/{300_000}/{i}" for i in range(40)), "--no-probe")
        wait_until("small files to fill the quota", settled, 60)
        assert 9 * MIB < sum(file["size_bytes"] for file in bob.json("files")) <= quota
        cancel_all()

        # What is deleted counts still, and goes when room is needed.
        for file in bob.json("files")[:20]:
            bob.run("remove", file["id"])
        deleted = len(bob.json("trash", "list"))
        bob.run("send", *(f"{chunks}/{kind}/{2 * MIB}/again{i}" for i, kind in enumerate(("sized", "chunked"))), "--no-probe")
        wait_until("new files to push out deleted ones", lambda: sum(f["size_bytes"] == 2 * MIB for f in bob.json("files")) == 2, 60)
        assert len(bob.json("trash", "list")) < deleted

        assert meter.stop() <= quota + BLOCK
    finally:
        if not meter.over.is_set():
            meter.stop()
        place.stop()


def test_a_months_traffic_ends_what_is_new_and_nothing_that_runs(work, chunks):
    place = Place(work / "place").start()
    try:
        place.add_user("bob", "--traffic", "3M")
        bob = Device(work / "bob")
        bob.connect("home", place.pair("bob"))
        bob.place = place
        bob.run("send", f"{chunks}/sized/{2 * MIB}/a.bin", "--no-probe", "--name", "a.bin", "--wait")
        bob.run("get", "a.bin", "-o", "a.bin")  # more than is left, but it began before
        wait_until("the traffic to be counted", lambda: used(bob) == 4 * MIB)

        bob.run("send", f"{chunks}/sized/1000/b.bin", "--no-probe")
        wait_until("the next one to wait", lambda: bob.json("list")[0].get("reason") == "quota", 20)
        assert "month" in bob.json("list")[0]["message"]
        refused = bob.place.get(f"/v1/files/{bob.json('files')[0]['id']}", bob.token())
        assert refused[0] == 429 and json.loads(refused[2])["reason"] == "quota" and json.loads(refused[2])["status"] == 429
        assert int(refused[1]["Retry-After"]) > 0
        assert bob.place.get(f"/v1/files/{bob.json('files')[0]['id']}", bob.token(), "HEAD")[0] == 200
        line = json.loads(place.run("--json", "user", "list").stdout)
        assert (line["traffic_bytes"], line["fetched_bytes"], line["served_bytes"]) == (3 * MIB, 2 * MIB, 2 * MIB)

        place.stop()
        place.start()
        assert used(bob) == 4 * MIB
    finally:
        place.stop()


def used(device):
    traffic = call(device, "GET", "/v1/session")[1]["account"]["traffic"]
    return traffic["fetched_bytes"] + traffic["served_bytes"]


def test_hostile_paths_of_folders_find_nothing(bob):
    (bob.place.data / "areas" / "bobby").mkdir()
    (bob.place.data / "areas" / "bobby" / "secret").write_text("x")
    (bob.area / "x").mkdir(parents=True, exist_ok=True)
    os.symlink(bob.place.data, bob.area / "link")
    for path in ("../bobby", "..", "/", ".", "link", "link/areas", "x/../../bobby", "x/..", "//", "x/", "/x", "X", "x\0", "%2e%2e"):
        quoted = urllib.parse.quote(path, safe="")
        for method, target, body in (("GET", f"/v1/files?folder={quoted}", None), ("DELETE", f"/v1/folders?path={quoted}", None),
                                     ("DELETE", f"/v1/folders?path={quoted}&now=true", None),
                                     ("PATCH", "/v1/folders", {"path": path, "to": "taken"})):
            status, answer = call(bob, method, target, body)
            assert status in (400, 404, 422), (method, path, status, answer)
    assert (bob.place.data / "areas" / "bobby" / "secret").read_text() == "x"
    assert not (bob.area / "taken").exists()
