#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""1,000 slow clients of the API and 200 content servers that trickle, at once (THREATS.md P15): other users are answered within
200 ms (99th percentile), their downloads go on, memory stays bounded, and whoever is refused is told why. Part of ./dev soak."""
import argparse
import http.client
import json
import pathlib
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]
import measure  # noqa: E402
from bed.content import ContentServer, make_file  # noqa: E402
from bed.crowd import SlowClients, TricklingServers, send  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.place import Place  # noqa: E402
from bed.process import wait_until  # noqa: E402

P99_S, GROWTH = 0.200, 192 << 20
CONFIG = ('[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nrunning_at_once = 256\nrunning_per_account = 200\n')


def percentile(times: list[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(part * len(times)))]


def ask(place: Place, token: str, seconds: float, every: float) -> list[float]:
    """How long answers to another user take: each second request on a new connection."""
    times, kept = [], http.client.HTTPConnection(place.listen[0], timeout=30)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        begun = time.perf_counter()
        connection = kept if number % 2 else http.client.HTTPConnection(place.listen[0], timeout=30)
        connection.request("GET", "/v1/jobs?limit=50", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        times.append(time.perf_counter() - begun)
        if answer.status != 200:
            raise SystemExit(f"another user was answered {answer.status}: {body[:200]}")
        if connection is not kept:
            connection.close()
        number += 1
        time.sleep(max(0.0, every - times[-1]))
    return times


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--clients", type=int, default=1000)
    options.add_argument("--servers", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--no-result", action="store_true")
    chosen = options.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-soak-"))
    content = ContentServer(work / "content").start()
    make_file(content.root / "a.bin", 3_000_000, 1)
    place = Place(work / "place", CONFIG).start()
    parts = []
    try:
        tokens = {}
        for name in ("ana", "ben"):
            place.add_user(name)
            device = Device(work / name)
            device.connect("home", place.pair(name))
            tokens[name] = device.token()
        quiet = ask(place, tokens["ana"], chosen.seconds / 4, 0.02)
        before = measure.pss_bytes(place.program.pid)
        servers = TricklingServers(chosen.servers)
        parts.append(servers)
        send(place, tokens["ben"], servers.urls)
        wait_until("all slow servers to be asked", lambda: servers.asked >= chosen.servers, 60)
        clients = SlowClients(place, tokens["ben"], chosen.clients)
        parts.append(clients)
        mine = send(place, tokens["ana"], [f"{content.url}/a.bin"])[0]
        begun = time.monotonic()
        busy = ask(place, tokens["ana"], chosen.seconds, 0.02)
        grown = measure.pss_bytes(place.program.pid) - before
        job = json.loads(place.get(f"/v1/jobs/{mine}", tokens["ana"])[2])
        result = {"clients": chosen.clients, "servers": chosen.servers, "seconds": round(time.monotonic() - begun, 1), "answers": len(busy),
                  "quiet_p99_s": round(percentile(quiet, 0.99), 4), "p50_s": round(percentile(busy, 0.5), 4), "p99_s": round(percentile(busy, 0.99), 4),
                  "longest_s": round(max(busy), 4), "grown_bytes": grown, "still_connected": len(clients.open),
                  "refused": {f"{kind}: {how}": count for (kind, how), count in sorted(clients.refusals().items())}, "own_download": job["state"]}
    finally:
        for part in parts:
            part.stop()
        place.stop()
        content.stop()
        shutil.rmtree(work, ignore_errors=True)
    held = result["p99_s"] <= P99_S and result["grown_bytes"] <= GROWTH and result["own_download"] == "done"
    result["held"] = held
    print(json.dumps(result))
    if not chosen.no_result:
        (ROOT / "docs" / "results" / "crowd.json").write_text(json.dumps(result, indent=1) + "\n")
    print("crowd: " + ("held" if held else "FAILED"))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
