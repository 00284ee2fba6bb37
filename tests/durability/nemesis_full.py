# SPDX-License-Identifier: Apache-2.0
"""The data volume is full: nothing is lost, reads go on, the user is told, also after a kill; with room it goes on by itself."""
import contextlib
import os
import pathlib
import time

from bed.process import BedError, wait_until

from .clients import new_id
from .rig import Rig

TOLD = "disk-full"


class Ballast:
    """Another program that takes all the room there is."""

    def __init__(self, folder: pathlib.Path):
        self.path = folder / "ballast"

    def fill(self) -> None:
        with open(self.path, "ab", buffering=0) as out:
            for size in (4 << 20, 64 << 10, 4 << 10, 512):
                with contextlib.suppress(OSError):
                    while out.write(b"b" * size) == size:
                        pass

    def free(self) -> None:
        os.unlink(self.path)


def full(rig: Rig, rounds: int) -> tuple[dict, list[str]]:
    """Each round: fill, ask, kill, start, look, free, wait. Returns figures, and what was not as promised."""
    found: list[str] = []
    slowest = 0.0
    refused_before = told = 0
    rig.begin_clients()
    rig.start()
    rig.allow(15)
    wait_until("the first downloads", lambda: rig.watcher.done_seen >= 8, 30)
    for number in range(rounds):
        ballast = Ballast(rig.disk.target)
        # A large download that is under way when the volume becomes full.
        large = _submit_large(rig)
        before = {file["id"]: file for file in rig._pages("/v1/files")}
        ballast.fill()
        rig.allow(10)
        time.sleep(0.3)
        if number % 2:
            rig.kill()
            rig.start()
        if rig.place.get("/v1/jobs?limit=5", rig.account.token)[0] != 200:
            found.append("reading the list of downloads fails")
        for file in list(before.values())[:3]:
            status, _, body = rig.place.get(f"/v1/files/{file['id']}", rig.account.token)
            if status != 200 or len(body) != file["size_bytes"]:
                found.append(f"a published file cannot be taken: {status}")
        gone = before.keys() - {file["id"] for file in rig._pages("/v1/files")}
        if gone:
            found.append(f"{len(gone)} published files are gone")
        refused = sum(entry["op"] == "answer" and entry.get("reason") == TOLD for entry in rig.history.entries)
        told += refused > refused_before or bool(_waiting(rig))
        refused_before = refused
        ballast.free()
        freed = time.monotonic()
        wait_until("going on by itself", lambda: not _waiting(rig), 30, 0.1)
        slowest = max(slowest, time.monotonic() - freed)
        if large:
            wait_until("the end of the large download", lambda: rig.state(large)["state"] == "done", 60, 0.1)
    if not told:
        found.append("nobody was told that the disk is full")
    return {"rounds": rounds, "told": told, "refused": refused_before, "slowest_resume_s": round(slowest, 2)}, found


def _waiting(rig: Rig) -> list[dict]:
    return [job for job in rig.jobs().values() if job.get("reason") == TOLD and job["state"] == "waiting"]


def _submit_large(rig: Rig) -> str | None:
    doc, path = new_id(rig.dice), next(path for path in rig.library.paths if path.startswith("/slow/"))
    rig.history.write("submit", doc=doc, path=path)
    try:
        job = rig.submit(rig.account.document(doc, rig.library.server.url + path))
    except BedError:
        return None
    rig.history.write("answer", doc=doc, asked=0, status=202, job=job)
    return job
