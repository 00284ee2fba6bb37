# SPDX-License-Identifier: Apache-2.0
"""The checker itself is tested: faults are planted into the real server from outside, and each must turn the verdict red.

Planted either beneath the server (preload.c: a log that comes late, syncs that lie, a flipped bit) or in its store (a trigger that
drops a row, a change between two starts): the programs are the shipped ones.
"""
import dataclasses
import pathlib
import random
import sqlite3
import time

from .content import Library
from .machine import Disk, Machine
from .nemesis_kills import kill_in
from .nemesis_power import cuts
from .rig import Rig

DONE = 5  # of jobs::State, in the store


@dataclasses.dataclass
class Fault:
    name: str
    seen_as: str  # the count that must not be 0
    trigger: str = ""  # in the store, before the first request
    preload: str = ""  # while the server runs
    between: str = ""  # in the store, before each start
    power: bool = False  # power cuts instead of kills


FAULTS = [
    Fault("it acknowledges before it commits", "lost", preload="late"),
    Fault("its syncs do nothing, and the power goes", "lost", preload="nosync", power=True),
    Fault("it renames before the intent row is there", "twice",
          trigger="CREATE TRIGGER f AFTER INSERT ON intents BEGIN DELETE FROM intents WHERE job = new.job AND file = new.file; END"),
    # It takes what was renamed, but not committed, for not begun.
    Fault("its recovery publishes again", "twice", between="DELETE FROM intents"),
    Fault("it drops a job", "lost",
          trigger="CREATE TRIGGER f AFTER INSERT ON jobs WHEN new.id < x'40' BEGIN DELETE FROM jobs WHERE seq = new.seq; END"),
    Fault("an end is told to nobody", "notices_missing",
          trigger=f"CREATE TRIGGER f AFTER INSERT ON history WHEN new.to_state = {DONE} AND new.seq % 3 = 0 "
                  "BEGIN DELETE FROM history WHERE seq = new.seq; END"),
    Fault("a bit is flipped on the way to the disk", "wrong_bytes", preload="flip"),
    Fault("", ""),  # the control: the same run without a fault
]


def plant(rig: Rig, sql: str) -> None:
    if sql:
        database = sqlite3.connect(rig.place.data / "restante.db")
        database.executescript(sql)
        database.close()


def run(fault: Fault, folder: pathlib.Path, machine: Machine, library: Library, dice: random.Random) -> tuple[bool, str]:
    """(as it should be, a line for people)"""
    began = time.monotonic()
    rig = Rig(folder, machine, library, dice, Disk(folder, "ext4") if fault.power else None)
    try:
        plant(rig, fault.trigger)
        commands = [fault.preload] if fault.preload else []
        if fault.power:
            cuts(rig, dice, 2, *commands, least_s=0.2)
        else:
            rig.begin_clients()
            for phase in ("committing", "renaming", "accepting", "committing"):
                rig.allow(12)
                kill_in(rig, phase, dice.randrange(4, 7), *commands)
                plant(rig, fault.between)
        rig.start(*commands)
        verdict = rig.verdict(20)
    finally:
        rig.close()
    if not fault.name:
        good, name = verdict.holds(), "no fault: the control"
    else:
        good, name = bool(getattr(verdict, fault.seen_as)), fault.name
    shown = {key: value for key, value in verdict.counts().items() if value}
    word = "as expected" if good else "NOT NOTICED" if fault.name else "RED WITHOUT A FAULT"
    findings = "" if fault.name or good else f" {verdict.findings()}"
    return good, f"{word}: {name}: {shown} ({time.monotonic() - began:.1f} s){findings}"
