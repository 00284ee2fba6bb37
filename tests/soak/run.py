#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev soak [--minutes N] [--only durability|cuts|connections|guard|fuzz|coverage|differential|names|sign-ins|rates|guests|notices|once|crowd|browsers|devtools|fresh-root|package|container]: the long runs, one after the other. Results go to docs/results/."""
import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, help="a shorter run: that part of the durability figures' quarter of an hour")
    options.add_argument("--only", choices=["durability", "cuts", "connections", "guard", "fuzz", "coverage", "differential", "names", "sign-ins", "rates", "guests", "notices", "once", "crowd", "browsers", "devtools", "fresh-root", "package",
                                             "container"])
    chosen = options.parse_args()
    share = min(1.0, chosen.minutes / 15) if chosen.minutes else 1.0
    runs = {"durability": [HERE.parent / "durability" / "run.py", "--soak", "--share", str(share)], "fresh-root": [HERE / "fresh_root.py"],
            "package": [HERE / "package.py"], "container": [HERE / "container.py"],
            "cuts": [HERE / "cuts.py", "--cuts", str(max(7, round(700 * share))), "--worker-kills", str(max(2, round(200 * share))),
                     "--server-kills", str(max(1, round(100 * share)))],
            "connections": [HERE / "cuts.py", "--connections", "4", "--rate", "1500000", "--size", "50000000", "--cuts", str(max(7, round(200 * share))),
                            "--worker-kills", str(max(2, round(50 * share))), "--server-kills", str(max(1, round(50 * share)))],
            "guard": [HERE.parent / "guard" / "play.py", "--soak"],
            "fuzz": [HERE.parent / "fuzz" / "run.py", "--seconds", str(max(1, round(60 * share)))],
            "names": [HERE.parent / "names" / "soak.py", "--names", str(max(520, round(5000 * share)))],
            "sign-ins": [HERE / "sign_ins.py", "--sign-ins", str(max(100, round(1000 * share)))],
            "rates": [HERE / "rates.py", "--seconds", str(max(5, round(20 * share)))],
            "guests": [HERE / "guests.py", "--kills", str(max(3, round(50 * share)))],
            "notices": [HERE.parent / "durability" / "notices.py", "--kills", str(max(5, round(63 * share)))],
            "once": [HERE / "once.py", "--requests", str(max(20, round(500 * share))), "--kills", str(max(3, round(50 * share)))],
            "crowd": [HERE / "crowd.py", "--seconds", str(max(15, round(60 * share)))],
            "browsers": [HERE / "browsers.py", "--rounds", str(max(1, round(5 * share)))],
            "devtools": [HERE / "devtools.py"],
            "coverage": [HERE.parent / "fuzz" / "run.py", "--coverage"],
            "differential": [HERE.parent / "differential" / "run.py", "--cases", str(max(10_000, round(100_000 * share)))]}
    failed = [name for name, command in runs.items() if chosen.only in (None, name) and subprocess.run([sys.executable, *command]).returncode]
    print("soak: " + (f"failed: {', '.join(failed)}" if failed else "every promise held"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
