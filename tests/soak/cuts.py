#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts and kills in the middle of transfers; after each at most 1 MiB of what was let through comes again.

A relay between place and nginx counts bytes and cuts connections at random positions; workers and the server are killed
(SIGKILL) while bytes flow. Several transfers run side by side; when one has its file the next begins. The backoff of the
product stays as it is: like a person would, the harness says `now` for what waits to be tried again. Part of ./dev soak; to be
run on a machine that does nothing else: what a starved worker has not read from its socket is lost with it.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.content import ContentServer, make_file  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.place import Place  # noqa: E402
from bed.process import BedError, wait_until  # noqa: E402
from soak.relay import Relay  # noqa: E402

MIB = 1 << 20
CONFIG = '[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nsubmit_per_minute = 1000000\n'


class Cuts:
    def __init__(self, work: pathlib.Path, seed: int, size: int, side_by_side: int, rate: int, ignore_ranges: bool = False, connections: int = 1):
        self.dice, self.size, self.side_by_side = random.Random(seed), size, side_by_side
        self.connections = connections
        self.content = ContentServer(work / "content").start()
        self.digest = make_file(self.content.root / "f.bin", size, seed)
        self.relay = Relay(("127.0.0.1", self.content.port), rate, seed, ignore_ranges)
        self.place = Place(work / "place", CONFIG + f"connections_per_download = {connections}\n").start()
        self.place.add_user("ana")
        self.ana = Device(work / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        self.token = self.ana.token()
        self.running: dict[str, str] = {}  # job to its path at the relay
        self.sent = self.finished = self.wrong = 0
        self.kills = {"worker": 0, "server": 0}

    def close(self) -> None:
        self.place.stop()
        self.relay.stop()
        self.content.stop()

    def send(self) -> None:
        self.sent += 1
        path = f"/f.bin?transfer={self.sent}"
        done = self.ana.json("send", self.relay.url + path, "--no-probe", "--name", f"{self.sent}.bin", "--max-attempts", "100")
        self.running[done[0]["id"]] = path

    def look(self) -> None:
        """Says `now` for what waits to be tried again, and checks what is done."""
        for job, path in list(self.running.items()):
            _, _, body = self.place.get(f"/v1/jobs/{job}", self.token)
            seen = json.loads(body)
            if seen["state"] == "waiting" and seen.get("waiting_for") == "retry":
                self.place.get(f"/v1/jobs/{job}:now", self.token, "POST", b"")
            elif seen["state"] == "done":
                file = self.place.data / "areas" / "ana" / f"{path.split('=')[1]}.bin"
                self.wrong += hashlib.sha256(file.read_bytes()).hexdigest() != self.digest
                file.unlink()
                self.finished += 1
                del self.running[job]
            elif seen["state"] in ("failed", "held", "cancelled", "expired"):
                raise BedError(f"{path} ended as {seen['state']}: {seen.get('message')}\n{self.place.log()[-3000:]}")

    def interruptions(self, *causes: str) -> int:
        return sum(again.cause in causes for again in list(self.relay.again))

    def keep_busy(self) -> None:
        while len(self.running) < self.side_by_side:
            self.send()

    def cut(self, count: int, between: tuple[int, int]) -> None:
        target = self.interruptions("cut-fin", "cut-rst") + count
        self.relay.cuts = between
        while self.interruptions("cut-fin", "cut-rst") < target:
            self.keep_busy()
            self.look()
            time.sleep(0.05)
        self.relay.cuts = None

    def kill(self, what: str, count: int, between: tuple[int, int]) -> None:
        target = self.kills[what] + count
        while self.kills[what] < target:
            wanted, end = self.dice.randrange(*between), time.monotonic() + 60
            while not any(sent >= wanted for sent in self.relay.flowing().values()):
                self.keep_busy()
                self.look()
                if time.monotonic() > end:
                    raise BedError(f"no bytes flow: {self.relay.flowing()}\n{self.place.log()[-3000:]}")
                time.sleep(0.01)
            flows = self.relay.interrupted_by(what)
            if not flows:
                continue
            if what == "worker":
                for pid in open(f"/proc/{self.place.program.pid}/task/{self.place.program.pid}/children", encoding="ascii").read().split():
                    os.kill(int(pid), signal.SIGKILL)
            else:
                self.place.kill()
                self.place.start()
            wait_until("the end of what was killed", lambda: self.relay.ended(flows), 30, 0.005)
            self.kills[what] += 1

    def finish(self) -> None:
        def ended():
            self.look()
            return not self.running
        wait_until("the end of all transfers", ended, 300, 0.05)
        self.relay.settle()

    def result(self) -> dict:
        again = [one for one in self.relay.again if one.cause != "nothing"]
        refetched = sorted(one.refetched for one in again)
        passed = sum(content.passed for content in self.relay.contents.values())
        histogram = {}
        for one in refetched:
            name = f"<= {max(4, 1 << max(0, (one - 1).bit_length() - 10))} KiB" if one > 0 else "nothing"
            histogram[name] = histogram.get(name, 0) + 1
        causes = {cause: sum(one.cause == cause for one in again) for cause in sorted({one.cause for one in again})}
        violations = [vars(one) for one in self.relay.again if one.refetched > MIB]
        problems = list(self.relay.problems)
        if passed > 1.01 * self.finished * self.size and self.connections == 1:
            problems.append("more than 101 % of the contents were let through")
        if self.wrong:
            problems.append(f"{self.wrong} files with other bytes")
        if not refetched:
            problems.append("nothing was interrupted")
        return {"transfers": self.finished, "size_bytes": self.size, "interruptions": causes, "kills": self.kills,
                "refetched_bytes": {"median": statistics.median(refetched or [0]), "max": max(refetched, default=0), "sum": sum(refetched)},
                "worst": {cause: max(one.refetched for one in again if one.cause == cause) for cause in causes},
                "histogram": histogram, "connections": max((content.most_active for content in self.relay.contents.values()), default=0), "traffic_percent": round(100 * passed / max(1, self.finished * self.size), 3), "wrong_bytes": self.wrong,
                "violations": violations, "problems": problems}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cuts", type=int, default=700)
    options.add_argument("--worker-kills", type=int, default=200)
    options.add_argument("--server-kills", type=int, default=100)
    options.add_argument("--size", type=int, default=100_000_000)
    options.add_argument("--connections", type=int, default=1, help="of one download at most")
    options.add_argument("--rate", type=int, default=8_000_000, help="bytes a second of each connection")
    options.add_argument("--ignore-ranges", action="store_true", help="the control: a content server that knows no ranges must turn this red")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    chosen = options.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-cuts-", dir="/var/tmp"))
    began = time.monotonic()
    try:
        cuts = Cuts(work, chosen.seed, chosen.size, 4 if chosen.connections == 1 else 2, chosen.rate, chosen.ignore_ranges, chosen.connections)
        try:
            cuts.cut(chosen.cuts, (200_000, 9_000_000))
            print(f"{time.monotonic() - began:.0f} s: cuts done", flush=True)
            # Between two kills so much is to flow that what is lost stays below 1 %.
            before_kill = (4_000_000, 12_000_000) if chosen.connections == 1 else (2_000_000, 7_000_000)
            cuts.side_by_side, cuts.relay.rate = min(3, cuts.side_by_side), chosen.rate * 3 // 4
            cuts.kill("worker", chosen.worker_kills, before_kill)
            print(f"{time.monotonic() - began:.0f} s: worker kills done", flush=True)
            cuts.kill("server", chosen.server_kills, before_kill)
            print(f"{time.monotonic() - began:.0f} s: server kills done", flush=True)
            cuts.finish()
            result = cuts.result()
        finally:
            cuts.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    result = {"commit": commit, "seed": chosen.seed, "seconds": round(time.monotonic() - began), **result}
    if not chosen.ignore_ranges:
        (ROOT / "docs" / "results").mkdir(parents=True, exist_ok=True)
        name = "soak-cuts.json" if chosen.connections == 1 else "soak-connections.json"
        (ROOT / "docs" / "results" / name).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    return 1 if result["violations"] or result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
