#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev soak [--minutes N] [--only kills|fresh-root]: the long runs, one after the other. Results go to docs/results/."""
import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10, help="how long the kills go on")
    options.add_argument("--only", choices=["kills", "fresh-root"])
    chosen = options.parse_args()
    runs = {"kills": [HERE / "kills.py", "--minutes", str(chosen.minutes)], "fresh-root": [HERE / "fresh_root.py"]}
    failed = [name for name, command in runs.items() if chosen.only in (None, name) and subprocess.run([sys.executable, *command]).returncode]
    print("soak: " + (f"failed: {', '.join(failed)}" if failed else "every promise held"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
