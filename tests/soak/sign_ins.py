#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sign-ins with a wrong password, of known and unknown names by turns: the medians of their times differ by at most 5 %
(THREATS.md D11). Each comes from a loopback address of its own and no name is asked for ten times, so that no back-off
stands between. Part of ./dev soak; to be run on a machine that does nothing else."""
import argparse
import http.client
import json
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.place import Place  # noqa: E402

TRIES_OF_A_NAME = 8


def sign_in(place: Place, user: str, number: int) -> float:
    """Seconds of one refused sign-in."""
    source = (f"127.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}", 0)
    connection = http.client.HTTPConnection(place.listen[0], timeout=60, source_address=source)
    connection.connect()
    begun = time.perf_counter()
    connection.request("POST", "/v1/session", json.dumps({"user": user, "password": "wrong horse"}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - begun
    connection.close()
    if answer.status != 401:
        raise SystemExit(f"a sign-in was answered {answer.status}")
    return took


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sign-ins", type=int, default=1000)
    options.add_argument("--no-result", action="store_true")
    chosen = options.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-soak-"))
    place = Place(work / "place").start()
    try:
        pairs = chosen.sign_ins // 2
        names = -(-pairs // TRIES_OF_A_NAME)
        for number in range(names):
            place.run("user", "add", f"known{number}", "--password-stdin", input="correct horse battery\n")
        times = {"known": [], "unknown": []}
        for number in range(pairs):
            for turn, kind in enumerate(times):
                times[kind].append(sign_in(place, f"{kind}{number % names}", 2 * number + turn))
    finally:
        place.stop()
        shutil.rmtree(work, ignore_errors=True)
    medians = {kind: statistics.median(all_of_kind) for kind, all_of_kind in times.items()}
    apart = abs(medians["known"] / medians["unknown"] - 1)
    result = {"sign_ins": 2 * pairs, "median_s": {kind: round(value, 5) for kind, value in medians.items()}, "apart": round(apart, 4)}
    print(json.dumps(result))
    if not chosen.no_result:
        (ROOT / "docs" / "results" / "soak-sign-ins.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0 if apart <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
