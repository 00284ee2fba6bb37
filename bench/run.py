#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench [bulk] [small] [slow] [accepting] [sealed] [web] [capture] [lossy]: paired runs against peers on this machine, and Lighthouse, and what capturing costs; raw samples go to docs/results/, and
docs/benchmarks.md is made from them."""
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]
import bulk  # noqa: E402
import accepting  # noqa: E402
import capture  # noqa: E402
import lossy  # noqa: E402
import report  # noqa: E402
import sealed  # noqa: E402
import slow  # noqa: E402
import small  # noqa: E402
import web  # noqa: E402


def about() -> dict:
    def first(*command):
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()[0]
    nginx = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True).stderr.strip()
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    lighthouse = json.loads((ROOT / "bench" / "web" / "package.json").read_text())["dependencies"]["lighthouse"]
    return {"commit": first("git", "rev-parse", "--short", "HEAD"), "date": datetime.date.today().isoformat(),
            "machine": f"{cpu}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}",
            "peers": [first("curl", "--version"), first("aria2c", "--version"), first("wget2", "--version"), nginx],
            "browser": [first("chromium", "--version").strip(), first("firefox-esr", "--version").strip(), f"Lighthouse {lighthouse}"]}


def main() -> int:
    wanted = sys.argv[1:] or ["bulk", "small", "slow", "accepting", "sealed", "web", "capture", "lossy"]
    results = ROOT / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-bench-", dir="/var/tmp"))
    memory = pathlib.Path("/dev/shm/restante-bench")
    try:
        for name in wanted:
            found = {"bulk": lambda: bulk.bench(work / "bulk", memory), "accepting": lambda: accepting.bench(work / "accepting"),
                     "small": lambda: small.bench(work / "small", memory),
                     "slow": lambda: slow.bench(work / "slow", memory),
                     "sealed": lambda: sealed.bench(work / "sealed"), "web": lambda: web.bench(work / "web"),
                     "capture": lambda: capture.bench(work / "capture"), "lossy": lambda: lossy.bench(work / "lossy")}[name]()
            (results / f"bench-{name}.json").write_text(json.dumps({"about": about(), "results": found}, indent=1) + "\n")
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)
    report.write(ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
