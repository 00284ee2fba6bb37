#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The durability harness: faults of every kind against real programs, then every promise is checked from outside.

Without options: what ./dev test runs. --soak: the full figures of ./dev soak; writes docs/results/soak-durability.json.
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
from durability import nemesis_kills, nemesis_power, seeded  # noqa: E402
from durability.checker import Verdict  # noqa: E402
from durability.content import Library  # noqa: E402
from durability.machine import Disk, Machine  # noqa: E402
from durability.rig import Rig  # noqa: E402

QUICK = {"kills": 20, "least": 2, "cuts": 5}
SOAK = {"kills": 1000, "least": 30, "cuts": 200}


class Run:
    """One run: its folder, its machine, its dice; each part returns (held, figures)."""

    def __init__(self, folder: pathlib.Path, seed: int, sizes: dict):
        self.folder, self.seed, self.sizes = folder, seed, sizes
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

    def seeded(self) -> tuple[bool, dict]:
        good = 0
        for number, fault in enumerate(seeded.FAULTS):
            fine, line = seeded.run(fault, self.folder / f"seeded{number}", self.machine, self.library, self.dice(fault.name))
            print(f"  {line}", flush=True)
            good += fine
        return good == len(seeded.FAULTS), {"as_expected": good, "of": len(seeded.FAULTS)}


PARTS = ("kills", "power", "seeded")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--soak", action="store_true")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options.add_argument("--only", choices=PARTS, action="append")
    options.add_argument("--share", type=float, default=1.0, help="of the soak's counts, for trying it out; no results are written")
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
    run = Run(folder, chosen.seed, sizes)
    try:
        for part in chosen.only or PARTS:
            at = time.monotonic()
            held, figures = getattr(run, part)()
            results[part] = figures
            failed += [] if held else [part]
            print(f"{part}: {'ok' if held else 'FAILED'} {json.dumps(figures)} ({time.monotonic() - at:.1f} s)", flush=True)
    finally:
        run.library.stop()
        if chosen.keep or failed:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if chosen.soak and chosen.share == 1.0 and not chosen.only:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        out = {"commit": commit, "seed": chosen.seed, "held": not failed, "seconds": round(time.monotonic() - began), **results}
        (ROOT / "docs" / "results").mkdir(parents=True, exist_ok=True)
        (ROOT / "docs" / "results" / "soak-durability.json").write_text(json.dumps(out, indent=1) + "\n")
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
