#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The full figures of names and folders (THREATS.md B1 to B6, P12): thousands of hostile names every way, ten thousand turns
of the race for a folder, and the corpus beside the Chromium of this machine where there is one.

    tests/names/soak.py [--names 5000] [--rounds 10000] [--tests build/dev/bin]
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--tests", type=pathlib.Path, default=ROOT / "build" / "dev" / "bin", help="where the unit tests were built")
    options = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "PYTHONDONTWRITEBYTECODE": "1",
                   "RESTANTE_HOSTILE_NAMES": str(options.names), "RESTANTE_RACE_ROUNDS": str(options.rounds)}
    steps = {"ways": ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/names"],
             "race": [options.tests / "files_integration_tests", "--gtest_filter=Isolation.*"],
             "corpus": [options.tests / "names_corpus"]}
    if shutil.which("chromium"):
        steps["chromium"] = ["/usr/bin/python3", ROOT / "tests" / "names" / "chromium.py"]
    failed = [name for name, command in steps.items() if subprocess.run(list(map(str, command)), cwd=ROOT, env=environment).returncode]
    print(f"names: {options.names} hostile names, {options.rounds} turns of the race, " + (f"failed: {failed}" if failed else "0 escapes"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
