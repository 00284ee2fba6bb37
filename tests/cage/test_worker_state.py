# SPDX-License-Identifier: Apache-2.0
"""A worker of the real program as it looks from outside, and what becomes of it on a kernel that refuses a lock."""
import base64
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import tempfile
import threading

import pytest
from bed import BIN
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

from cage.world import Seen

READY = re.compile(r"worker (\d+) of account (\d+) is ready; locks: (.*)")
SECRETS = {"ana": "4N4-S3CR3T-6b1d", "bob": "B0B-S3CR3T-90ce"}


class Dripping:
    """A content server that sends half of a content and keeps the rest until `go_on`."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.go_on = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nETag: \"1\"\r\n\r\nhalf")
            self.go_on.wait(60)
            connection.sendall(b"half")

    def close(self):
        self.go_on.set()
        self.listener.close()


def workers(place: Place) -> dict[int, tuple[int, list[str]]]:
    """pid and locks of the last worker of each account."""
    return {int(account): (int(pid), locks.split(", ")) for pid, account, locks in READY.findall(place.log())}


@pytest.fixture(scope="module")
def two():
    """The place and its workers of two accounts, in the middle of a download."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    dripping, place = Dripping(), Place(work / "place").start()
    for name in ("ana", "bob"):
        place.add_user(name)
        device = Device(work / name)
        device.connect("home", place.pair(name))
        device.run("send", f"{dripping.url}/{name}.bin", "--user", name, "--secret-stdin", "--no-probe", input=SECRETS[name] + "\n")
    found = wait_until("both workers", lambda: workers(place) if len(workers(place)) == 2 else None)
    seen = {name: Seen(found[account][0]) for name, account in zip(("ana", "bob"), sorted(found))}
    for one in seen.values():
        wait_until("an output file", lambda one=one: any("/incoming/" in path for path in one.descriptors().values()))
    yield seen, found, place
    dripping.close()
    place.stop()
    shutil.rmtree(work, ignore_errors=True)


def test_every_lock_is_on_every_thread(two):
    seen, found, _ = two

    for one in seen.values():
        assert one.status("Threads") == "1"
        for task in one.path.glob("task/*"):
            status = (task / "status").read_text()
            for line in ("Seccomp:\t2", "NoNewPrivs:\t1", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
                         "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000"):
                assert line in status
        limits = one.limits()
        assert limits["Max core file size"] == "0" and limits["Max open files"] == "512"
        assert limits["Max data size"] == str(2 << 30) and limits["Max locked memory"] == "0"
        assert (one.path / "oom_score_adj").read_text().strip() == "500"
        assert os.listdir(one.path / "root") == []
    assert all(set(locks) == {"namespaces", "root", "capabilities", "rlimits", "landlock", "seccomp"} for _, locks in found.values())


def test_its_environment_says_nothing(two):
    seen, _, _ = two

    for one in seen.values():
        assert (one.path / "environ").read_bytes() == b"TZ=UTC\0LANG=C\0"


def test_it_has_its_own_descriptors_and_no_others(two):
    seen, _, _ = two

    for one in seen.values():
        paths = one.descriptors()
        kinds = sorted(re.sub(r"\d+", "N", path) for path in paths.values() if "/incoming/" not in path)
        files = [path for path in paths.values() if "/incoming/" in path]
        assert [paths[0], paths[1]] == ["/dev/null"] * 2 and paths[2].startswith("pipe:")
        assert len(files) == 1
        assert set(kinds) <= {"/dev/null", "pipe:[N]", "socket:[N]", "anon_inode:[eventpoll]", "anon_inode:[eventfd]"}
    mine, other = ({path for path in one.descriptors().values() if "/incoming/" in path} for one in seen.values())
    assert mine.isdisjoint(other)


def test_it_knows_no_secret_of_another_account_or_of_the_server(two):
    seen, _, place = two
    memories = {name: one.memory() for name, one in seen.items()}
    keys = [line.encode() for path in (place.data / "keys").rglob("*") if path.is_file()
            for line in path.read_bytes().decode("latin-1").splitlines() if len(line) >= 20 and not line.startswith("-----")]

    assert keys
    for name, memory in memories.items():
        assert SECRETS[name].encode() in memory or _basic(name) in memory, "the search would not find anything"
        for other in set(SECRETS) - {name}:
            assert SECRETS[other].encode() not in memory and _basic(other) not in memory
        assert not [key for key in keys if key in memory]


def _basic(name: str) -> bytes:
    return base64.b64encode(f"{name}:{SECRETS[name]}".encode())


# ---- kernels that refuse

@pytest.fixture
def refusing(work):
    """refusing("CALL=ERRNO ..."): the place's next worker starts on such a kernel; the log of what became of it."""
    words, wrapper = work / "refuse", work / "worker"
    words.write_text("")
    wrapper.write_text(f'#!/bin/sh\nexec "{BIN}/tests/refusing-kernel" $(cat "{words}") -- "{BIN}/restante-transfer" "$@"\n')
    wrapper.chmod(0o755)
    place = Place(work / "place", f'{ALLOW_LOOPBACK}[worker]\nprogram = "{wrapper}"\n').start()
    place.add_user("ana")
    device = Device(work / "ana")
    device.connect("home", place.pair("ana"))

    def attempt(refused: str) -> str:
        words.write_text(refused)
        before = len(place.log())
        device.run("send", "http://127.0.0.1:9/x", "--no-probe", "--max-attempts", "1", "--wait", check=1)
        log = place.log()[before:]
        if started := READY.search(log):  # the next one is to be a new one
            pid = int(started.group(1))
            os.kill(pid, signal.SIGKILL)
            wait_until("the worker's end", lambda: f"worker {pid} of account" in place.log()[before:].replace(started.group(0), ""))
        return log
    yield attempt
    place.stop()


def test_a_worker_that_cannot_be_locked_does_not_start(refusing):
    assert "is ready; locks: namespaces, root, capabilities, rlimits, landlock, seccomp" in refusing("acct=1")
    for refused, why in (("seccomp=22 prctl=22", ""), ("seccomp=1", "seccomp"), ("landlock_restrict_self=1", "Landlock"),
                         ("landlock_create_ruleset=1", "Landlock"), ("capset=1", "capabilities"), ("prctl=22", ""),
                         ("prlimit64=1 setrlimit=1", "resources")):
        log = refusing(refused)
        assert "is ready" not in log and why in log and "restante-transfer:" in log, f"{refused}: {log}"


def test_what_a_system_may_lack_is_told(refusing):
    assert "is ready; locks: capabilities, rlimits, landlock, seccomp\n" in refusing("unshare=1")
    assert "is ready; locks: namespaces, capabilities, rlimits, landlock, seccomp\n" in refusing("mount=1")
    assert "is ready; locks: namespaces, root, capabilities, rlimits, seccomp\n" in refusing("landlock_create_ruleset=38")
