# SPDX-License-Identifier: Apache-2.0
"""One server under test with its clients: start, harm, start again, let everything come to its end, look, compare."""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import signal
import time

from bed import BIN
from bed.device import Device
from bed.place import Place
from bed.process import BedError, wait_until

from .checker import Final, Verdict, check
from .clients import NO_ANSWER, Account, Submitter, Watcher, events
from .content import Library
from .history import History
from .machine import Disk, Machine

CONFIG = """[address_guard]
allow = ["127.0.0.0/8"]
[limits]
submit_per_minute = 1000000
attempts = 100
running_at_once = 64
running_per_account = 32
running_per_origin = 32
"""
PROGRAMS = pathlib.Path(os.environ.get("RESTANTE_PROGRAMS", BIN))


class Rig:
    def __init__(self, folder: pathlib.Path, machine: Machine, library: Library, dice: random.Random, disk: Disk | None = None,
                 config: str = CONFIG):
        folder.mkdir(parents=True, exist_ok=True)
        self.machine, self.library, self.dice, self.disk = machine, library, dice, disk
        self.worker_faults = folder / "worker-faults"
        self.place = Place(folder / "place", config + f'[worker]\nprogram = "{self._worker(folder)}"\n', binaries=PROGRAMS)
        if disk:
            self.place.data = disk.target / "data"
        self.log = folder / "faults.log"
        self.log.touch()
        self.history = History(folder / "history.jsonl")
        self.place.start()
        self.place.add_user("ana")
        ana = Device(folder / "ana", binaries=PROGRAMS)
        ana.connect("home", self.place.pair("ana"))
        jkt = json.loads(self.place.get("/.well-known/restante")[2])["jkt"]
        self.account = Account(self.place.listen[0], ana.token(), jkt)
        self.place.stop()
        self.watcher = Watcher(self.account, self.history)
        self.submitters: list[Submitter] = []
        self._ended_seen = self._allowed = 0

    def _worker(self, folder: pathlib.Path) -> pathlib.Path:
        """The worker gets no environment from the server; so its faults come from a file."""
        script = folder / "worker"
        script.write_text(f"""#!/bin/sh
if [ -s "{self.worker_faults}" ]; then export LD_PRELOAD="{self.machine.library}" RESTANTE_FAULTS="$(cat "{self.worker_faults}")"; fi
exec "{PROGRAMS / 'restante-transfer'}" "$@"
""")
        script.chmod(0o755)
        return script

    # Life of the server.

    def start(self, *faults: str) -> None:
        """With faults, the server may be gone before it listens; then it is not alive, and that is no error."""
        try:
            self.place.start(env=self.machine.faults(f"log={self.log}", *faults) if faults else None)
        except BedError:
            if not faults or self.alive():
                raise

    def harm_workers(self, *faults: str) -> None:
        """Those that are started from now on; without faults: no longer."""
        self.worker_faults.write_text(";".join([f"log={self.log}", *faults]) if faults else "")

    def alive(self) -> bool:
        return bool(self.place.program and self.place.program.alive())

    def kill(self) -> None:
        self.place.kill()

    def kill_worker(self) -> bool:
        """One of the server's workers, if it has one."""
        pid = self.place.program.pid if self.place.program else 0
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            os.kill(int(self.dice.choice(children)), signal.SIGKILL)
            return True
        except (OSError, IndexError):
            return False

    def wait_for_end(self, seconds: float) -> bool:
        """True: the server has ended by itself (by a fault that it was given)."""
        end = time.monotonic() + seconds
        while self.alive() and time.monotonic() < end:
            time.sleep(0.002)
        if self.alive():
            return False
        self.place.kill()
        return True

    # Clients.

    def submit(self, core: dict) -> str:
        """One document, outside the clients; the job."""
        headers = {"Content-Type": "application/json"}
        status, _, body = self.place.get("/v1/proxies", self.account.token, "POST", json.dumps(core).encode(), headers)
        if status != 202:
            raise BedError(f"submitting: {status} {body[:200]!r}")
        return json.loads(body)["id"]

    def state(self, job: str) -> dict:
        return json.loads(self.place.get(f"/v1/jobs/{job}", self.account.token)[2])

    def begin_clients(self, count: int = 3) -> None:
        seeds = [self.dice.randrange(1 << 30) for _ in range(count)]
        url, paths = self.library.server.url, self.library.paths
        self.submitters = [Submitter(self.account, self.history, url, paths, seed, self._room) for seed in seeds]
        for thread in [*self.submitters, *([] if self.watcher.is_alive() else [self.watcher])]:
            thread.start()

    def _room(self) -> bool:
        """So many more may be sent until the next `allow`."""
        self._allowed -= 1
        return self._allowed >= 0

    def allow(self, documents: int) -> None:
        self._allowed = documents

    def end_clients(self) -> None:
        for thread in self.submitters:
            thread.stopping.set()
        for thread in self.submitters:
            thread.join(20)
        self.history.sync()

    # The end.

    def settle(self, seconds: float = 120) -> None:
        """Waits until nothing moves any more; what waits for a later try is asked to try now."""
        end = time.monotonic() + seconds
        while True:
            jobs = [job for job in self.jobs().values() if job["state"] not in ("done", "failed", "cancelled", "expired", "held")]
            if not jobs or time.monotonic() > end:
                break
            for job in jobs:
                if job["state"] == "waiting" and job.get("attempt", 0) > 0:
                    self.place.get(f"/v1/jobs/{job['id']}:now", self.account.token, method="POST", body=b"")
            time.sleep(0.1)

    def _pages(self, path: str):
        while path:
            status, headers, page = self.place.get(path, self.account.token)
            if status != 200:
                raise BedError(f"{path}: {status} {page[:300]}")
            yield from json.loads(page)
            link = headers.get("Link", "")
            path = link.split(">")[0].lstrip("<") if 'rel="next"' in link else None

    def jobs(self) -> dict[str, dict]:
        return {job["id"]: job for job in self._pages("/v1/jobs?limit=1000")}

    def area(self) -> pathlib.Path:
        return self.place.data / "areas" / "ana"

    def disk_digests(self, known: dict | None = None) -> dict[str, str]:
        """SHA-256 of every file in the area; those in `known` are not read again."""
        found = {}
        for folder, _, names in os.walk(self.area()):
            for name in names:
                path = pathlib.Path(folder) / name
                relative = str(path.relative_to(self.area()))
                found[relative] = (known or {}).get(relative) or hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def all_events(self) -> list[dict]:
        found: list[dict] = []
        # The stream goes on with live events; behind the last stored one comes silence.
        try:
            for event in events(self.account, 0, 1.0):
                if event is None:
                    break
                found.append(event)
        except NO_ANSWER:
            pass
        return found

    def final(self) -> Final:
        # What crashes left in incoming is removed soon after a start.
        with contextlib.suppress(BedError):
            wait_until("an empty incoming", lambda: not self.partials(), 5)
        return Final(self.jobs(), list(self._pages("/v1/files")), self.disk_digests(), self.partials(), self.all_events())

    def partials(self) -> list[str]:
        incoming = self.place.data / "incoming"
        return [str(path.relative_to(incoming)) for path in incoming.rglob("*") if path.is_file()]

    def verdict(self, seconds: float = 120) -> Verdict:
        """Ends the clients, lets the server finish, restarts it, and compares."""
        self.end_clients()
        if not self.alive():
            self.start()
        self.settle(seconds)
        self.place.stop()
        self.start()
        self.watcher.stopping.set()
        self.history.sync()
        return check(self.history.entries, self.library.truth, self.final())

    def close(self) -> None:
        self.watcher.stopping.set()
        for thread in self.submitters:
            thread.stopping.set()
        self.place.kill()
        if self.disk:
            self.disk.unmount()

    def said(self, words: str) -> bool:
        return words in self.place.log()

    def faults_done(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines()]
