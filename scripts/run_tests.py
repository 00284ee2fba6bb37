#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev test: sets up, builds, runs every stage, prints each stage's time, and fails on a skipped test.

A stage runs although an earlier one failed (but for the builds), so that one run tells everything.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
SIDE_BY_SIDE = 4  # programs of unit tests, and files of integration tests, at once: much of their time is waiting
SKIPPED = re.compile(r"\b([1-9]\d*) skipped\b|\[  SKIPPED \]|Not Run|\*\*\*Skipped")


def run(name: str, command: list[str], must: bool = False) -> tuple[str, bool, float, str]:
    print(f"\n=== {name}: {' '.join(command)}", flush=True)
    begin = time.monotonic()
    lines = []
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "tests"),
                                    "RESTANTE_SHIPPED_TRANSFER": str(ROOT / "build" / "bin" / "restante-transfer")})
    assert process.stdout
    for line in process.stdout:
        sys.stdout.write(line)
        lines.append(line)
    ok = process.wait() == 0
    took = time.monotonic() - begin
    if must and not ok:
        print(f"\n{name} failed; nothing further can be tested")
        print("0 passed, 1 failed")
        sys.exit(1)
    return name, ok, took, "".join(lines)


def count(output: str) -> int:
    """Tests that passed, as the runners' own closing lines say."""
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) tests?", output))
    passed += sum(int(n) for n in re.findall(r"\b(\d+) passed\b(?! \()", output))  # not Playwright's own line beside our tally
    return passed


def main() -> int:
    stages = [run("set-up", ["scripts/setup.sh", "test"], must=True),
              run("build programs", ["./dev", "build"], must=True),
              run("build tests", ["./dev", "build-tests"], must=True),
              run("layers", [PYTHON, "scripts/check_layers.py"]),
              run("unit tests", ["ctest", "--test-dir", "build/dev", f"-j{SIDE_BY_SIDE}", "--output-on-failure", "--no-tests=error", "-V"]),
              run("contract and integration tests", [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", "-n", str(SIDE_BY_SIDE),
                                                     "--dist", "loadgroup", "tests"]),
              run("web flows and extension", ["scripts/node.sh", "tests/web/node_modules/.bin/playwright", "test", "--config", "tests/web/playwright.config.ts"]),
              run("durability", [PYTHON, "tests/durability/run.py"])]
    print("\nstage                            result  seconds")
    failed = 0
    for name, ok, took, output in stages:
        skipped = bool(SKIPPED.search(output))
        failed += 0 if ok and not skipped else 1
        print(f"{name:32} {'ok' if ok else 'FAILED'}{' (a test was skipped: that fails)' if skipped else ''}  {took:7.1f}")
    print(f"\n{sum(count(output) for *_, output in stages)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
