#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py [--cases N] [--seed S] [--peer N]: generated answers of content servers through the worker as it is shipped, in its cage.

Nothing wrong may be published and nothing right refused. The same cases go through plain libcurl (--peer so many), whose wrong
publications are counted beside. Figures go to docs/results/differential.json; a case of it is played again, with words, by
`build/dev/bin/differential --seed S --only NUMBER`.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "docs" / "results" / "differential.json"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 31))
    options.add_argument("--peer", type=int, default=5_000)
    chosen = options.parse_args()
    build = pathlib.Path(os.environ.get("RESTANTE_TEST_BUILD", ROOT / "build" / "dev"))
    if not (build / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", build, "--target", "differential"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    programs = pathlib.Path(os.environ.get("RESTANTE_PROGRAMS", ROOT / "build" / "bin"))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    print(f"differential: seed {chosen.seed}", flush=True)
    status = subprocess.run([build / "bin" / "differential", "--gtest_brief=1", "--cases", str(chosen.cases), "--seed", str(chosen.seed),
                             "--peer", str(chosen.peer), "--json", RESULTS],
                            env={**os.environ, "RESTANTE_TRANSFER": str(programs / "restante-transfer")}).returncode
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    RESULTS.write_text(json.dumps({"commit": commit, **json.loads(RESULTS.read_text())}, indent=1) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
