#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rates that are reached and kept, within 10 %: of a download, also when it is changed under way, of a user, of a content
server and of the place, shared fairly, and what a slow content server leaves goes to the others. Part of ./dev soak."""
import argparse
import json
import pathlib
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.content import ContentServer, make_file  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.place import ALLOW_LOOPBACK, Place  # noqa: E402

K = 1024
PLACE, USER, SERVER, SLOW = 4096 * K, 512 * K, 768 * K, 200 * K
CONFIG = ALLOW_LOOPBACK + f'[limits]\nrate = {PLACE}\n[[servers]]\nhost = "127.0.0.3"\nrate = {SERVER}\n'
SETTLE = 3.0  # seconds until shares are what they stay
SIZE = 256 << 20  # more than comes in any case


class Run:
    def __init__(self, work: pathlib.Path, seconds: float):
        self.seconds, self.findings, self.fails = seconds, {}, []
        self.servers = {"fast": ContentServer(work / "fast"), "slow": ContentServer(work / "slow", "127.0.0.2", rate=str(SLOW)),
                        "ruled": ContentServer(work / "ruled", "127.0.0.3")}
        for server in self.servers.values():
            server.start()
            make_file(server.root / "a.bin", 1 << 20, 8)
            with open(server.root / "a.bin", "ab") as out:
                out.truncate(SIZE)
        self.place = Place(work / "place", CONFIG).start()
        self.devices = {}
        for name in ("ana", "ben"):
            self.place.add_user(name)
            self.devices[name] = Device(work / name)
            self.devices[name].connect("home", self.place.pair(name))

    def begin(self, who: str, server: str, *options) -> tuple[str, str]:
        url = f"{self.servers[server].url}/a.bin"
        return who, self.devices[who].json("send", url, "--no-probe", *options)[0]["id"]

    def received(self, job: tuple[str, str]) -> int:
        who, one = job
        return json.loads(self.place.get(f"/v1/jobs/{one}", self.devices[who].token())[2])["received_bytes"]

    def rates(self, jobs: list) -> list[float]:
        """What each brings in a second, once shares have settled."""
        time.sleep(SETTLE)
        begun, before = time.monotonic(), [self.received(job) for job in jobs]
        time.sleep(self.seconds)
        passed = time.monotonic() - begun
        return [(self.received(job) - first) / passed for job, first in zip(jobs, before, strict=True)]

    def judge(self, name: str, rates: list[float], wanted: list[float]):
        self.findings[name] = {"bytes_per_s": [round(rate) for rate in rates], "wanted": [round(one) for one in wanted]}
        if any(abs(rate / one - 1) > 0.1 for rate, one in zip(rates, wanted, strict=True)):
            self.fails.append(name)
        print(f"{'FAILED' if name in self.fails else 'ok':6} {name}: {self.findings[name]}", flush=True)

    def end(self, jobs: list):
        for who, one in jobs:
            self.devices[who].run("cancel", one)

    def all(self):
        for rate in (32 * K, 1024 * K):
            one = self.begin("ana", "fast", "--limit-rate", str(rate))
            self.judge(f"a download at {rate // K} KiB/s", self.rates([one]), [rate])
            self.devices["ana"].run("change", one[1], "--limit-rate", str(2 * rate))
            self.judge(f"changed to {2 * rate // K} KiB/s", self.rates([one]), [2 * rate])
            self.end([one])
        jobs = [self.begin("ana", "fast"), self.begin("ana", "fast"), self.begin("ben", "fast")]
        self.judge("the place, two downloads of one and one of another", self.rates(jobs), [PLACE / 4, PLACE / 4, PLACE / 2])
        self.place.run("user", "change", "ana", "--rate", str(USER))
        self.judge("one user's rate, the rest for the other", self.rates(jobs), [USER / 2, USER / 2, PLACE - USER])
        self.place.run("user", "change", "ana", "--rate", "none")
        self.end(jobs)
        jobs = [self.begin("ana", "slow"), self.begin("ben", "fast")]
        # That server sends in jolts of a second's worth, so room for twice as much is kept for it.
        self.judge("what a slow server leaves", self.rates(jobs)[1:], [PLACE - 2 * SLOW])
        self.end(jobs)
        jobs = [self.begin("ana", "ruled"), self.begin("ben", "ruled")]
        self.judge("a content server's rate", self.rates(jobs), [SERVER / 2, SERVER / 2])
        self.end(jobs)

    def close(self):
        self.place.stop()
        for server in self.servers.values():
            server.stop()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--no-result", action="store_true")
    chosen = options.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-soak-"))
    run = Run(work, chosen.seconds)
    try:
        run.all()
    finally:
        run.close()
        shutil.rmtree(work, ignore_errors=True)
    if not chosen.no_result:
        text = json.dumps({"seconds_each": chosen.seconds, "runs": run.findings, "failed": run.fails}, indent=1) + "\n"
        (ROOT / "docs" / "results" / "soak-rates.json").write_text(text)
    print("rates: " + (f"failed: {', '.join(run.fails)}" if run.fails else "each within 10 %"))
    return 1 if run.fails else 0


if __name__ == "__main__":
    sys.exit(main())
