# SPDX-License-Identifier: Apache-2.0
"""Loss of power: the file system takes nothing more, the programs are gone, what was not synced never was.

A cycle: start, let clients work, cut at a random time, unmount, another boot id, mount (the journal is read), start again; every file
that is published then must have its right bytes.
"""
import random
import time

from bed.process import wait_until

from .checker import NUMBERED
from .clients import new_id
from .rig import Rig

LONGEST_S = 0.35
RESYNC_S, RESYNC_BYTES = 5.0, 64 << 20


def cut(rig: Rig) -> None:
    rig.disk.cut()
    rig.kill()
    rig.disk.unmount()
    rig.machine.boot()
    rig.disk.mount()


def cuts(rig: Rig, dice: random.Random, count: int, *faults: str, documents: int = 12, least_s: float = 0.0) -> dict:
    """Returns how often the power went, and the files that were found wrong right afterwards."""
    wrong: list[str] = []
    known: dict[str, str] = {}
    truth = rig.library.truth
    rig.begin_clients()
    for _ in range(count):
        rig.allow(documents)
        rig.start(*faults)
        time.sleep(max(least_s, dice.random() * LONGEST_S))
        rig.history.sync()
        cut(rig)
        wanted = {entry["doc"]: truth[entry["path"]] for entry in rig.history.entries if entry["op"] == "submit"}
        seen = rig.disk_digests(known)
        for name in seen.keys() - known.keys():
            match = NUMBERED.match(name)
            if not match or wanted.get(match.group(1)) != seen[name]:
                wrong.append(name)
        known = seen
    return {"cuts": count, "wrong_after_cut": wrong}


def resume(rig: Rig, size: int = 5 << 20, name: str = "long.bin") -> dict:
    """One long transfer, cut after more than a checkpoint's time: how much of it is fetched again, in seconds of transfer."""
    path = rig.library.add(name, size, rig.dice.randrange(1 << 30), "crawl")
    doc = new_id(rig.dice)
    core = rig.account.document(doc, rig.library.server.url + path)
    rig.start()
    began = time.monotonic()
    rig.history.write("submit", doc=doc, path=path)
    job = rig.submit(core)
    rig.history.write("answer", doc=doc, asked=began, status=202, job=job)
    rig.history.sync()

    def received() -> int:
        return rig.state(job)["received_bytes"]
    wait_until("the first bytes", received, 20, 0.02)
    first = time.monotonic()
    wait_until("more than a checkpoint's time", lambda: time.monotonic() - first > RESYNC_S + 1.5, 20, 0.05)
    had = received()
    fetched_in_time = int(had / (time.monotonic() - first) * (RESYNC_S + 1))  # a second for the sync itself
    cut(rig)
    rig.start()
    wait_until("the end of the transfer", lambda: rig.state(job)["state"] == "done", 60, 0.05)
    starts = rig.library.asked(path)
    again_from = max(starts) if starts else 0
    again = had - again_from
    return {"had_bytes": had, "goes_on_at": again_from, "again_bytes": again, "kept_promise": again <= min(RESYNC_BYTES, fetched_in_time)}
