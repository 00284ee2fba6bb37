#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The durability harness: faults of every kind against real programs, then every promise is checked from outside.

Without options: what ./dev test runs. --soak: the full figures of ./dev soak; writes docs/results/soak-durability.json and
soak-restart.json. RESTANTE_PROGRAMS names the folder of other programs than build/bin.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.process import BedError  # noqa: E402
from durability import nemesis_damage, nemesis_errors, nemesis_full, nemesis_kills, nemesis_power, nemesis_restart, seeded  # noqa: E402
from durability.checker import Verdict  # noqa: E402
from durability.content import Library  # noqa: E402
from durability.machine import Disk, Machine  # noqa: E402
from durability.rig import Rig  # noqa: E402

QUICK = {"kills": 20, "least": 2, "cuts": 5, "errors": 14, "full": 1, "restart": 2000, "flips": 200, "start_every": 20}
SOAK = {"kills": 1000, "least": 30, "cuts": 200, "errors": 200, "full": 6, "restart": 100_000, "flips": 10_000, "start_every": 50}
RESUME_WITHIN_S = 10.0  # of the first room on a full disk
READY_WITHIN_S = 1.0  # after a restart with all the jobs


class Run:
    """One run: its folder, its machine, its dice; each part returns (held, figures)."""

    def __init__(self, folder: pathlib.Path, seed: int, sizes: dict, judges_time: bool):
        self.folder, self.seed, self.sizes, self.judges_time = folder, seed, sizes, judges_time
        self.machine = Machine(folder / "machine")
        self.library = Library(folder / "content", seed, random.Random(seed)).start()

    def dice(self, part: str) -> random.Random:
        return random.Random(f"{self.seed} {part}")

    def _judge(self, rig: Rig, figures: dict, seconds: float = 120) -> tuple[bool, dict]:
        verdict: Verdict = rig.verdict(seconds)
        for line in verdict.findings():
            print(f"  {line}")
        return verdict.holds(), figures | verdict.counts()

    def kills(self) -> tuple[bool, dict]:
        dice = self.dice("kills")
        rig = Rig(self.folder / "kills", self.machine, self.library, dice)
        try:
            done = nemesis_kills.kills(rig, dice, self.sizes["kills"], self.sizes["least"])
            held, figures = self._judge(rig, {"kills": sum(done.values()), "in": done})
            return held and min(done.get(phase, 0) for phase in nemesis_kills.PHASES) >= self.sizes["least"], figures
        finally:
            rig.close()

    def power(self) -> tuple[bool, dict]:
        all_held, all_figures = True, {}
        for kind in ("ext4", "xfs"):
            dice = self.dice(kind)
            folder = self.folder / kind
            rig = Rig(folder, self.machine, self.library, dice, Disk(folder, kind))
            try:
                done = nemesis_power.cuts(rig, dice, self.sizes["cuts"])
                rig.allow(0)
                resumed = nemesis_power.resume(rig)
                held, figures = self._judge(rig, done | {"wrong_after_cut": len(done["wrong_after_cut"]), "resume": resumed})
                all_held = all_held and held and not done["wrong_after_cut"] and resumed["kept_promise"]
                all_figures[kind] = figures
            finally:
                rig.close()
        return all_held, all_figures

    def errors(self) -> tuple[bool, dict]:
        dice = self.dice("errors")
        rig = Rig(self.folder / "errors", self.machine, self.library, dice)
        try:
            done, broken = nemesis_errors.errors(rig, dice, self.sizes["errors"])
            for line in broken:
                print(f"  {line}")
            held, figures = self._judge(rig, done | {"broken": len(broken)})
            return held and not broken and done["hit"] > 0, figures
        finally:
            rig.close()

    def full(self) -> tuple[bool, dict]:
        folder = self.folder / "full"
        rig = Rig(folder, self.machine, self.library, self.dice("full"), Disk(folder, "ext4", 96))
        try:
            done, broken = nemesis_full.full(rig, self.sizes["full"])
            for line in broken:
                print(f"  {line}")
            held, figures = self._judge(rig, done | {"broken": len(broken)})
            in_time = not self.judges_time or done["slowest_resume_s"] <= RESUME_WITHIN_S
            return held and not broken and in_time, figures
        finally:
            rig.close()

    def damage(self) -> tuple[bool, dict]:
        dice = self.dice("damage")
        rig = Rig(self.folder / "damage", self.machine, self.library, dice)
        try:
            nemesis_damage.fill(rig, 60)
            figures, found = nemesis_damage.flips(rig, dice, self.sizes["flips"], self.sizes["start_every"])
            found += nemesis_damage.one_of_many(rig)
            for line in found[:20]:
                print(f"  {line}")
            return not found and figures["one_job"] > 0, figures | {"not_as_promised": len(found)}
        finally:
            rig.close()

    def restart(self) -> tuple[bool, dict]:
        rig = Rig(self.folder / "restart", self.machine, self.library, self.dice("restart"))
        try:
            figures = nemesis_restart.restart(rig, self.sizes["restart"])
        finally:
            rig.close()
        return not self.judges_time or max(figures["answers_s"], figures["first_starts_s"]) <= READY_WITHIN_S, figures

    def seeded(self) -> tuple[bool, dict]:
        good = 0
        for number, fault in enumerate(seeded.FAULTS):
            fine, line = seeded.run(fault, self.folder / f"seeded{number}", self.machine, self.library, self.dice(fault.name))
            print(f"  {line}", flush=True)
            good += fine
        return good == len(seeded.FAULTS), {"as_expected": good, "of": len(seeded.FAULTS)}


PARTS = ("kills", "power", "errors", "full", "damage", "restart", "seeded")


def write_results(chosen, results: dict, failed: list[str], seconds: float) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    head = {"commit": commit, "seed": chosen.seed, "share": chosen.share, "held": not failed, "seconds": round(seconds)}
    folder = ROOT / "docs" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    if "restart" in results:
        own = head | {"held": "restart" not in failed} | results["restart"]
        (folder / "soak-restart.json").write_text(json.dumps(own, indent=1) + "\n")
    if not chosen.only:
        (folder / "soak-durability.json").write_text(json.dumps(head | results, indent=1) + "\n")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--soak", action="store_true")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options.add_argument("--only", choices=PARTS, action="append")
    options.add_argument("--share", type=float, default=1.0, help="of the soak's counts, for trying it out")
    options.add_argument("--keep", action="store_true", help="leave the folder behind, for looking at it")
    chosen = options.parse_args()
    if os.geteuid() != 0:
        print("durability: power cuts need mounts of their own, and those need root")
        print("0 passed, 1 failed")
        return 1
    sizes = dict(QUICK)
    if chosen.soak:
        sizes = {name: max(QUICK[name], int(count * chosen.share)) for name, count in SOAK.items()}
    print(f"durability: seed {chosen.seed}", flush=True)
    # On the real disk: state never lies on tmpfs.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-durability-", dir="/var/tmp"))
    results: dict = {}
    failed = []
    began = time.monotonic()
    run = Run(folder, chosen.seed, sizes, chosen.soak)
    try:
        for part in chosen.only or PARTS:
            at = time.monotonic()
            try:
                held, figures = getattr(run, part)()
            except (BedError, AssertionError) as error:
                held, figures = False, {"error": str(error)}
            results[part] = figures
            failed += [] if held else [part]
            print(f"{part}: {'ok' if held else 'FAILED'} {json.dumps(figures)} ({time.monotonic() - at:.1f} s)", flush=True)
    finally:
        run.library.stop()
        if chosen.keep or failed:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if chosen.soak:
        write_results(chosen, results, failed, time.monotonic() - began)
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
