#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests and kills at random, then every promise is checked from outside. Part of ./dev soak.

Clients write down what was acknowledged; the server, its workers and the content server are killed at random times; at the
end every acknowledged request must be there and done, every file published exactly once, with the right bytes.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bed.content import ContentServer, make_file  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.place import Place  # noqa: E402
from bed.process import wait_until  # noqa: E402


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    chosen = options.parse_args()
    dice = random.Random(chosen.seed)
    print(f"seed {chosen.seed}", flush=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-soak-", dir="/var/tmp"))
    counts = {"acknowledged": 0, "server_kills": 0, "worker_kills": 0, "content_restarts": 0, "lost": 0, "twice": 0, "wrong_bytes": 0}
    try:
        content = ContentServer(work / "content", rate="4m").start()
        digests = {f"{n}.bin": make_file(content.root / f"{n}.bin", dice.randrange(1000, 9_000_000), n) for n in range(20)}
        place = Place(work / "place", '[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nsubmit_per_minute = 1000000\n').start()
        place.add_user("ana")
        ana = Device(work / "ana")
        ana.connect("home", place.pair("ana"))
        expected: dict[str, str] = {}
        end = time.monotonic() + 60 * chosen.minutes
        while time.monotonic() < end:
            name = dice.choice(sorted(digests))
            done = ana.run("--json", "send", f"{content.url}/{name}", "--no-probe", check=False)
            if done.returncode == 0:
                expected[json.loads(done.stdout.splitlines()[-1])["id"]] = digests[name]
            what = dice.random()
            if what < 0.15:
                place.kill()
                place.start()
                counts["server_kills"] += 1
            elif what < 0.3:
                for pid in open(f"/proc/{place.program.pid}/task/{place.program.pid}/children").read().split():
                    os.kill(int(pid), signal.SIGKILL)
                    counts["worker_kills"] += 1
            elif what < 0.35:
                content.stop()
                content.start()
                counts["content_restarts"] += 1
            time.sleep(dice.random())
        counts["acknowledged"] = len(expected)

        def jobs():
            token, found, path = ana.token(), {}, "/v1/jobs?limit=1000"
            while path:
                _, headers, page = place.get(path, token)
                found.update({job["id"]: job for job in json.loads(page)})
                link = headers.get("Link", "")
                path = link.split(">")[0].lstrip("<") if 'rel="next"' in link else None
            return found
        wait_until("the end of all downloads", lambda: all(jobs().get(job, {"state": "lost"})["state"] in ("done", "failed", "lost")
                                                           for job in expected), 600, 1.0)
        final, files = jobs(), ana.json("files")
        for job, digest in expected.items():
            mine = [file for file in files if file["job"] == job]
            counts["lost"] += final.get(job, {"state": "lost"})["state"] != "done" or not mine
            counts["twice"] += len(mine) > 1
            for file in mine:
                held = hashlib.sha256((place.data / "areas" / "ana" / file["name"]).read_bytes()).hexdigest()
                counts["wrong_bytes"] += held != digest
        place.stop()
        content.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    result = {"commit": commit, "seed": chosen.seed, "minutes": chosen.minutes, **counts}
    (ROOT / "docs" / "results").mkdir(parents=True, exist_ok=True)
    (ROOT / "docs" / "results" / "soak-kills.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    return 1 if counts["lost"] or counts["twice"] or counts["wrong_bytes"] or not counts["acknowledged"] else 0


if __name__ == "__main__":
    sys.exit(main())
