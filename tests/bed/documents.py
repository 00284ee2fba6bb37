# SPDX-License-Identifier: Apache-2.0
"""Bare documents (contract/proxy.schema.json) given straight to a place, for what the command has no words for."""
import json
import time
import uuid

from .process import wait_until

ENDED = ("done", "failed", "held", "cancelled", "expired")


def document(place, url, access=(), *, mirrors=(), headers=(), name=None, attempts=1, probe=False, **members) -> dict:
    jkt = json.loads(place.get("/.well-known/restante")[2])["jkt"]
    source = {"url": url, **({"request": {"headers": [list(one) for one in headers]}} if headers else {})}
    file = {"sources": [source, *({"url": one} for one in mirrors)], **({"name": name} if name else {})}
    now = int(time.time())
    return {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": jkt}], "iat": now, "exp": now + 86400, "probe": probe,
            "what": {"files": [file]}, "access": list(access), "limits": {"attempts": attempts}, **members}


def submit(place, token, core) -> tuple[int, dict]:
    """(status, job or problem)."""
    body = core if isinstance(core, bytes) else json.dumps(core).encode()
    status, _, answer = place.get("/v1/proxies", token, "POST", body, {"Content-Type": "application/json"})
    return status, json.loads(answer)


def job(place, token, id_) -> dict:
    return json.loads(place.get(f"/v1/jobs/{id_}", token)[2])


def ended(place, token, id_, seconds: float = 120.0) -> dict:
    """The job once it has ended, or needs a person."""
    def look():
        now = job(place, token, id_)
        return now if now["state"] in ENDED else None
    return wait_until(f"the end of job {id_[:8]}", look, seconds, 0.05)


def fetch(place, token, core, seconds: float = 120.0) -> dict:
    status, accepted = submit(place, token, core)
    assert status == 202, accepted
    return ended(place, token, accepted["id"], seconds)
