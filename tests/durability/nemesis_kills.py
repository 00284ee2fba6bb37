# SPDX-License-Identifier: Apache-2.0
"""SIGKILL: of the server inside a named phase or at any time, and of its workers."""
import collections
import random

from .rig import Rig

PHASES = ("accepting", "transferring", "syncing", "renaming", "committing")
FARTHEST = {"accepting": 30, "transferring": 12, "syncing": 12, "renaming": 16, "committing": 24}


def kill_in(rig: Rig, phase: str, number: int, *faults: str, worker_after: float | None = None, seconds: float = 1.0) -> tuple[bool, bool]:
    """Starts the server so that it is killed at that point of the phase. (it came there, a worker was killed before)"""
    before = len(rig.faults_done())
    rig.start(f"kill={phase}:{number}", *faults)
    worker = False
    if worker_after is not None:
        rig.wait_for_end(worker_after)
        worker = rig.alive() and rig.kill_worker()
    rig.wait_for_end(seconds)
    came = any(line[0] == "kill" for line in rig.faults_done()[before:])
    if not came:
        rig.kill()
    return came, worker


def kills(rig: Rig, dice: random.Random, count: int, least: int, documents: int = 8) -> dict:
    """Kills until there were `count`, and `least` in each phase. Clients go on all the time."""
    done: collections.Counter = collections.Counter()
    rig.begin_clients()
    while done.total() < count or min(done[phase] for phase in PHASES) < least:
        missing = [phase for phase in PHASES if done[phase] < least]
        kind = dice.random()
        rig.allow(documents)
        if kind < 0.7 or missing:
            phase = dice.choice(missing or PHASES)
            worker_after = dice.random() * 0.05 if dice.random() < 0.3 else None
            came, worker = kill_in(rig, phase, dice.randrange(1, FARTHEST[phase]), worker_after=worker_after)
            done[phase if came else "any time"] += 1
            done["worker"] += worker
        else:
            rig.start()
            rig.wait_for_end(dice.random() * 0.15)
            if dice.random() < 0.6 and rig.kill_worker():
                done["worker"] += 1
                rig.wait_for_end(dice.random() * 0.05)
            rig.kill()
            done["any time"] += 1
        rig.history.sync()
    return dict(done)
