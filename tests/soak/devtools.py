#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""devtools.py: what the developer tools of this machine's Chromium and Firefox copy today, given to real curl and to the place."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEVTOOLS = ROOT / "tests" / "devtools"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--no-result", action="store_true")
    chosen = options.parse_args()
    result = {}
    subprocess.run([ROOT / "scripts" / "node.sh", "--ci", ROOT / "tests" / "web"], check=True)
    with tempfile.TemporaryDirectory(prefix="restante-devtools-") as folder:
        work = pathlib.Path(folder)
        (work / "corpus").mkdir()
        (work / "recordings").mkdir()
        for browser in ("chromium", "firefox"):
            file = work / "corpus" / f"{browser}.json"
            subprocess.run([ROOT / "scripts" / "node.sh", "node", DEVTOOLS / "record.mjs", browser, file], check=True, timeout=300)
            corpus = json.loads(file.read_text())
            result[browser] = {"agent": corpus["agent"], "commands": len(corpus["entries"])}
        subprocess.run([ROOT / "scripts" / "node.sh", "node", DEVTOOLS / "recordings.mjs", work / "recordings"], check=True, timeout=300)
        tests = ["tests/integration/test_devtools.py", "tests/integration/test_capture.py"]
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT,
                              env={**os.environ, "PYTHONPATH": "tests", "RESTANTE_DEVTOOLS": folder})
    result["exceptions"] = len(json.loads((DEVTOOLS / "exceptions.json").read_text()))
    result["same"] = done.returncode == 0
    print(json.dumps(result))
    if not chosen.no_result:
        (ROOT / "docs" / "results" / "soak-devtools.json").write_text(json.dumps(result, indent=1) + "\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
