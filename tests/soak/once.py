#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sealed requests, each several times over random channels, while the server is killed at random moments: one job and one fetch each.

Part of ./dev soak. All begin after the last kill, so that no fetch is cut and begun again. Then everything is sent once more, with the
records of some erased.
"""
import argparse
import json
import pathlib
import queue
import random
import shutil
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed import documents, sealed  # noqa: E402
from bed.once import House  # noqa: E402
from bed.process import BedError, wait_until  # noqa: E402

DELIVERERS = 6
WEIGHTS = {"post": 6, "receive": 3, "mailbox": 1}  # the mailbox is looked into once a second


class Run:
    def __init__(self, house: House, dice: random.Random):
        self.house, self.dice, self.sent, self.failed = house, dice, 0, 0
        self.waiting: queue.Queue = queue.Queue()
        self.stopped = threading.Event()
        self.problems: list[str] = []

    def deliver(self, document: str) -> None:
        """Until some channel has taken it: a killed server may or may not have."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            channel, = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
            try:
                self.house.channels[channel](document)
                self.sent += 1
                return
            except (OSError, BedError, ValueError):
                self.failed += 1
                time.sleep(0.05)  # the server is being started
        self.problems.append("a request was taken by no channel within two minutes")

    def work(self) -> None:
        while True:
            document = self.waiting.get()
            if document is None:
                return
            self.deliver(document)

    def deliver_all(self, deliveries: list[str]) -> list[threading.Thread]:
        for document in deliveries:
            self.waiting.put(document)
        threads = [threading.Thread(target=self.work) for _ in range(DELIVERERS)]
        for thread in threads:
            self.waiting.put(None)
            thread.start()
        return threads


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=500)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options.add_argument("--no-result", action="store_true", help="write nothing to docs/results/")
    chosen = options.parse_args()
    dice, begin = random.Random(chosen.seed), time.monotonic()
    print(f"seed {chosen.seed}: {chosen.requests} requests, {chosen.kills} kills", flush=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-once-", dir="/var/tmp"))
    house = House(work)
    try:
        run, kills = Run(house, dice), 0
        cores = {}
        for _ in range(chosen.requests):
            name, url = house.file(1000)
            cores[name] = documents.document(house.place, url, when={"start": "2037-01-01T00:00:00Z"})
        key = sealed.newest_key(house.place)
        deliveries = [sealed.seal(key, house.device.sign(sealed.compact_json(core)), core["exp"])
                      for core in cores.values() for _ in range(dice.randint(1, 4))]
        dice.shuffle(deliveries)
        threads = run.deliver_all(deliveries)
        while kills < chosen.kills and any(thread.is_alive() for thread in threads):
            after = run.sent + dice.randint(1, max(2, 3 * len(deliveries) // (2 * chosen.kills)))
            while run.sent < after and any(thread.is_alive() for thread in threads):
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.005))  # which moment: the point of it
            house.kill_and_start()
            kills += 1
        for thread in threads:
            thread.join()

        token, ids = house.device.token, {name: house.id_of(core) for name, core in cores.items()}
        for id_ in ids.values():
            house.place.get(f"/v1/jobs/{id_}:now", token, "POST", b"")
        for name, id_ in ids.items():
            wait_until(f"the end of {name}", lambda: documents.job(house.place, token, id_).get("state") in documents.ENDED, 120)
        erased = dice.sample(sorted(ids.values()), len(ids) // 3)
        for id_ in erased:
            house.place.get(f"/v1/jobs/{id_}", token, "DELETE")
        house.kill_and_start()
        for thread in run.deliver_all(deliveries):
            thread.join()

        jobs: dict[str, list] = {}
        for job in house.jobs():
            jobs.setdefault(job["name"], []).append((job["id"], job["state"]))
        for name, id_ in ids.items():
            if jobs.get(name, []) != ([] if id_ in erased else [(id_, "done")]):
                run.problems.append(f"{name}: {jobs.get(name)}")
            if house.fetches(name) != 1:
                run.problems.append(f"{name}: fetched {house.fetches(name)} times")
        print(f"{run.sent} deliveries, {run.failed} tries without an answer, {kills} kills, {len(erased)} records erased, "
              f"{time.monotonic() - begin:.0f} s", flush=True)
        for problem in run.problems[:20]:
            print("FAIL", problem)
        result = {"requests": chosen.requests, "deliveries": run.sent, "tries_without_answer": run.failed, "kills": kills,
                  "records_erased": len(erased), "problems": len(run.problems), "seed": chosen.seed}
        if not chosen.no_result:
            (ROOT / "docs" / "results" / "soak-once.json").write_text(json.dumps(result, indent=1) + "\n")
        return 1 if run.problems or kills == 0 else 0
    finally:
        house.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
