# SPDX-License-Identifier: Apache-2.0
"""A place that is killed while requests that repeat come in and become due: each has exactly one download to come."""
import random

from bed.documents import document, submit
from bed.process import wait_until

KILLS = 6


def test_kills_leave_exactly_one_download_to_come(place, ana, publish):
    url, _ = publish("list.csv", 1000)
    token, chance = ana.token(), random.Random(5)
    asked = []
    for _ in range(KILLS):
        for _ in range(chance.randint(1, 4)):
            asked.append(document(place, url, when={"repeat": "FREQ=DAILY"}))
            assert submit(place, token, asked[-1])[0] == 202
        place.kill()
        place.start()
        assert submit(place, token, asked[-1])[0] == 200, "what was acknowledged is here"

    def settled():
        jobs = ana.json("list")
        return jobs if all(job["state"] in ("done", "scheduled") for job in jobs) else None
    jobs = wait_until("all to have run", settled, 40)

    for core in asked:
        own = sorted((job["occurrence"], job["state"]) for job in jobs if job["proxy"] == core["id"])
        assert [state for _, state in own] == ["done", "scheduled"]
    assert len(jobs) == 2 * len(asked)
