# SPDX-License-Identifier: Apache-2.0
"""A restart with very many waiting jobs: how long until the port answers, and until the first due job starts."""
import json
import time
import urllib.request

from bed.process import wait_until

from .clients import new_id, zoned
from .rig import Rig


def restart(rig: Rig, jobs: int, rounds: int = 3) -> dict:
    """`jobs` wait for a time tomorrow; one is due at once. Times are the slowest of the rounds, after a SIGKILL."""
    rig.start()
    base = rig.library.server.url
    tomorrow = zoned(time.time() + 72000)
    began = time.monotonic()
    for first in range(0, jobs, 10_000):
        lines = "\n".join(json.dumps(rig.account.document(new_id(rig.dice), base + rig.dice.choice(rig.library.paths), tomorrow))
                          for _ in range(min(10_000, jobs - first)))
        headers = rig.account.headers(**{"Content-Type": "application/jsonl"})
        request = urllib.request.Request(rig.place.url + "/v1/proxies", lines.encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            accepted = answer.read().count(b'"accepted"')
        if accepted != min(10_000, jobs - first):
            raise AssertionError(f"{accepted} of a batch were accepted")
    submitted = time.monotonic() - began
    answers, starts = [], []
    for _ in range(rounds):
        due = _submit_due(rig, base)
        at = time.monotonic()
        rig.place.start()
        wait_until("an answer", lambda: rig.place.get("/v1/jobs?limit=1", rig.account.token)[0] == 200, 60, 0.002)
        answers.append(time.monotonic() - at)
        wait_until("the first due job", lambda: _ran(rig, due), 60, 0.002)
        starts.append(time.monotonic() - at)
    return {"jobs": jobs, "submitted_s": round(submitted, 2), "answers_s": round(max(answers), 3), "first_starts_s": round(max(starts), 3)}


def _submit_due(rig: Rig, base: str) -> str:
    """A job that becomes due while the server is down; returns after that."""
    at = int(time.time()) + 2
    core = rig.account.document(new_id(rig.dice), base + rig.library.paths[0], zoned(at))
    job = rig.submit(core)
    rig.kill()
    wait_until("its time", lambda: time.time() > at + 0.1)
    return job


def _ran(rig: Rig, job: str) -> bool:
    facts = rig.state(job)
    return facts["state"] != "scheduled" and facts["attempt"] > 0
