#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notices through kills: none is missing, and a second copy comes only from the gap between the relay's 250 and our commit.

A kill falls "in the gap" (the relay stops the server before it answers 250, and kills it once the answer is on the wire, so that it
never ran in between) or "before" (the relay kills it in the middle of a mail, without an answer). Two controls must turn it red: rows
taken away as if a notice were marked before it is sent, and a mail that is composed anew with another place name.

python3 tests/durability/notices.py [--kills N] [--seed N]: the full figures, with the controls; writes docs/results/soak-notices.json.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.content import ContentServer  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.mail import Relay  # noqa: E402
from bed.place import ALLOW_LOOPBACK, Place  # noqa: E402
from bed.process import wait_until  # noqa: E402

GAP, BEFORE = "gap", "before"
PUBLIC = "https://home.example"
COMMIT_S = 2.0  # an answer that is older than this is stored
TAKEN_OVER_S = 1.0  # what lay in the relay's socket is taken over by then
PER_ROUND = 2  # downloads; more within ten minutes would be told together, so every round has an address of its own


class Killer:
    """Stands in the relay; armed for one kill at a time."""

    def __init__(self, relay: Relay, place: Place):
        self.relay, self.place, self.armed, self.killed, self.at = relay, place, "", threading.Event(), []
        relay.taken, relay.after_250, relay.deliver = self.taken, self.after_250, self.deliver

    def arm(self, kind: str) -> None:
        self.killed.clear()
        self.armed = kind

    def deliver(self, mail):
        if self.armed == BEFORE and "here" in mail["Subject"]:
            self.armed = ""
            self.place.program.popen.kill()
            self.at.append(time.monotonic())
            self.killed.set()
            return None
        return "250 taken over"

    def taken(self, mail) -> None:
        self.relay.just_taken = self.armed == GAP and "here" in mail["Subject"]
        if self.relay.just_taken:
            os.kill(self.place.program.pid, signal.SIGSTOP)

    def after_250(self) -> None:
        self.armed = ""
        self.place.program.popen.kill()
        self.at.append(time.monotonic())
        self.killed.set()


class Rounds:
    def __init__(self, folder: pathlib.Path, control: str = ""):
        self.folder, self.control = folder, control
        self.relay = Relay(folder / "relay").start()
        self.content = ContentServer(folder / "content").start()
        (self.content.root / "it.bin").write_bytes(b"i" * 1000)
        self.place = Place(folder / "place", self.config("Home")).start()
        self.place.add_user("ana", "--lan")
        self.device = Device(folder / "device")
        self.device.connect("home", self.place.pair("ana").replace(PUBLIC, self.place.url))
        self.killer = Killer(self.relay, self.place)
        self.names, self.kinds = [], []

    def config(self, name: str) -> str:
        return (ALLOW_LOOPBACK + f'[listen]\npublic_url = "{PUBLIC}"\nhosts = ["127.0.0.1"]\n[place]\nname = "{name}"\n' + self.relay.config(self.folder))

    def user(self, number: int) -> tuple[Device, str]:
        """A user of their own with one confirmed address."""
        name, address = f"user{number}", f"user{number}@example.net"
        self.place.add_user(name, "--lan")
        device = Device(self.folder / name)
        device.connect("home", self.place.pair(name).replace(PUBLIC, self.place.url))
        device.run("notify", "add", address)
        asked = self.relay.wait_for("the question", lambda mail: mail.recipients == [address])[0]
        path = asked.urls("/notify/confirm/")[0].removeprefix(PUBLIC)
        assert self.place.get(path, method="POST", body=b"")[0] == 200
        return device, address

    def round(self, number: int, kind: str) -> None:
        device, _ = self.user(number)
        self.killer.arm(kind)
        for part in range(PER_ROUND):
            self.names.append(f"n{number}-{part}.bin")
            device.run("send", self.content.url + "/it.bin", "--name", self.names[-1], "--no-probe", check=False)
        assert self.killer.killed.wait(30), f"round {number}: nothing was killed"
        self.kinds.append(kind)
        self.place.program.popen.wait()
        self.place.program = None
        if self.control == "lost" and kind == BEFORE:
            with sqlite3.connect(self.place.data / "restante.db") as store:
                store.execute("DELETE FROM notices WHERE attempts > 0")
        if self.control == "anew":
            self.place.config.write_text(self.config(f"Home {number}"))
        self.place.start()
        device.run("outbox", "flush", check=False)
        if not self.control:
            names = self.names[-PER_ROUND:]
            wait_until(f"notices of round {number}", lambda: all(self.copies(name) for name in names), 60)

    def copies(self, name: str) -> list:
        return [mail for mail in list(self.relay.mails) if "here" in mail["Subject"] and f'"{name}"' in mail.text]

    def settle(self) -> None:
        """Until nothing waits to be told; what two kills interrupted is tried again five minutes later."""
        def nothing_waits():
            with sqlite3.connect(f"file:{self.place.data / 'restante.db'}?mode=ro", uri=True) as store:
                return store.execute("SELECT count(*) FROM notices").fetchone()[0] == 0
        wait_until("an empty outbox", nothing_waits, 400, 0.2)

    def findings(self) -> tuple[list, dict]:
        faults, doubled, after_death = [], 0, []
        for name in self.names:
            copies = self.copies(name)
            if not copies:
                faults.append(f"{name}: no notice arrived")
            doubled += len(copies) - 1 if copies else 0
            if len({mail.raw for mail in copies}) > 1:
                faults.append(f"{name}: its {len(copies)} copies differ")
            # Two mails may be on their way at once, so that one kill catches both: each copy needs a kill right behind the one before,
            # or right ahead of it, where the relay took over what a dead server had sent to its last byte.
            for first, second in zip(copies, copies[1:]):
                kills = [kill - first.at for kill in self.killer.at if kill <= second.at]
                behind, ahead = [k for k in kills if 0 <= k < COMMIT_S], [-k for k in kills if -TAKEN_OVER_S < k < 0]
                if not behind and not ahead:
                    faults.append(f"{name}: a second copy without a kill in the gap; the nearest is {min(kills, key=abs, default=None)} s away")
                elif not behind:
                    after_death.append(min(ahead))
            if len({mail['Message-ID'] for mail in copies}) > 1:
                faults.append(f"{name}: its copies have several Message-IDs")
        gaps = self.kinds.count(GAP)
        if not self.control and doubled < gaps:
            faults.append(f"only {doubled} second copies of {gaps} kills in the gap: the harness does not hit it")
        return faults, {"notices": len(self.names), "kills": len(self.kinds), "in_the_gap": gaps, "second_copies": doubled,
                        "taken_over_after_the_kill": len(after_death), "longest_after_the_kill_s": round(max(after_death, default=0), 3)}

    def close(self) -> None:
        self.place.stop()
        self.content.stop()
        self.relay.stop()


def shuffled(kills: int, seed: int) -> list:
    """Every fifth kill falls before the relay's answer, the others in the gap."""
    kinds = [BEFORE if number % 5 == 1 else GAP for number in range(kills)]
    random.Random(seed).shuffle(kinds)
    return kinds


def run(kinds: list, control: str = "") -> tuple[list, dict]:
    """(faults, figures)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-notices-"))
    begun = time.monotonic()
    rounds = Rounds(folder, control)
    try:
        for number, kind in enumerate(kinds):
            rounds.round(number, kind)
        rounds.settle()
        faults, figures = rounds.findings()
        return faults, figures | {"seconds": round(time.monotonic() - begun, 1)}
    finally:
        rounds.close()
        shutil.rmtree(folder, ignore_errors=True)


CONTROLS = {"lost": (BEFORE, "no notice arrived"), "anew": (GAP, "copies differ")}


def control(which: str) -> list:
    """What the harness does not see though it must."""
    kind, words = CONTROLS[which]
    found, _ = run([kind], which)
    return [] if any(words in fault for fault in found) else [f"control '{which}' is green: {found}"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=63, help="a fifth of them falls before the relay's answer")
    options.add_argument("--seed", type=int, default=4)
    chosen = options.parse_args()
    faults, figures = run(shuffled(chosen.kills, chosen.seed))
    faults += control("lost") + control("anew")
    for fault in faults:
        print("  " + fault)
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    figures |= {"seed": chosen.seed, "commit": commit, "faults": faults}
    print(json.dumps(figures))
    (ROOT / "docs" / "results" / "soak-notices.json").write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
