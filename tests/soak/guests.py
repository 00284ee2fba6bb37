#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The erasure of guests, killed again and again: as in tests/integration/test_guests.py, with the full number of kills."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--no-result", action="store_true", help="write nothing below docs/results/")
    chosen = options.parse_args()
    began = time.monotonic()
    environment = {**os.environ, "RESTANTE_ERASURE_KILLS": str(chosen.kills), "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROOT / "tests/integration/test_guests.py", "-k", "kills"],
                          env=environment, cwd=ROOT)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    result = {"commit": commit, "seed": 20261122, "seconds": round(time.monotonic() - began), "kills": chosen.kills,
              "traces_found": 0 if done.returncode == 0 else "some, see the output"}
    print(json.dumps(result))
    if not chosen.no_result:
        (ROOT / "docs" / "results").mkdir(parents=True, exist_ok=True)
        (ROOT / "docs" / "results" / "soak-guests.json").write_text(json.dumps(result, indent=1) + "\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
