# SPDX-License-Identifier: Apache-2.0
"""The n-th call fails: write, sync, rename, open, cut, in the server and in its workers, once or from then on.

Asserted while it happens: after a failed sync of the store nothing is acknowledged any more, the log says so, and reads go on;
after a failed sync of data nothing is published any more. Afterwards, without the fault, the checker judges everything.
"""
import dataclasses
import random
import time

from .rig import Rig

STOPPED = "nothing more is stored until restanted is restarted"


@dataclasses.dataclass(frozen=True)
class Case:
    program: str  # server | worker
    call: str
    place: str
    error: str
    on: bool = False

    def command(self, number: int) -> str:
        return f"fail={self.call}:{self.place}:{number}:{self.error}{':on' if self.on else ''}"


def _cases() -> list[Case]:
    every = [("server", "write", "store", ("EIO", "ENOSPC", "EINTR", "short")), ("server", "sync", "store", ("EIO", "ENOSPC")),
             ("server", "sync", "incoming", ("EIO", "ENOSPC")), ("server", "sync", "area", ("EIO",)),
             ("server", "rename", "area", ("EIO", "ENOSPC")), ("server", "open", "incoming", ("EIO", "ENOSPC")),
             ("server", "open", "store", ("EIO",)), ("server", "cut", "any", ("EIO",)),
             ("worker", "write", "incoming", ("EIO", "ENOSPC", "EINTR", "short"))]
    once = [Case(program, call, place, error) for program, call, place, errors in every for error in errors]
    return once + [dataclasses.replace(case, on=True) for case in once if case.error not in ("EINTR", "short")]


CASES = _cases()


def errors(rig: Rig, dice: random.Random, count: int, documents: int = 10) -> tuple[dict, list[str]]:
    """Each case at least once if `count` allows. Returns figures, and what was not as promised."""
    found: list[str] = []
    hit = 0
    order = [case for _ in range(count // len(CASES) + 1) for case in dice.sample(CASES, len(CASES))][:count]
    rig.begin_clients()
    for case in order:
        command = case.command(dice.randrange(1, 6 if case.call in ("rename", "open", "cut") else 25))
        before = len(rig.faults_done())
        rig.allow(documents)
        if case.program == "worker":
            rig.harm_workers(command)
            rig.start()
        else:
            rig.start(command)
        end = time.monotonic() + 0.6
        while time.monotonic() < end and len(rig.faults_done()) == before and rig.alive():
            time.sleep(0.005)
        failed = [line for line in rig.faults_done()[before:] if line[0] == "fail"]
        if failed:
            hit += 1
            rig.allow(documents)  # asked again after the failure
            time.sleep(0.12)
            found += [f"{command}: {one}" for one in _broken(rig, case, float(failed[0][3]))]
        rig.harm_workers()
        rig.kill()
        rig.history.sync()
    return {"cases": len(order), "hit": hit}, found


def _broken(rig: Rig, case: Case, failed_at: float) -> list[str]:
    log = (rig.place.folder / f"restanted.{rig.place.starts}.log").read_text(errors="replace")
    if not rig.alive():
        # A server that cannot open its store does not begin, and says why.
        return [] if "listening on" not in log and "restante" in log else ["the server ended"]
    out = []
    if rig.place.get("/v1/jobs?limit=1", rig.account.token)[0] != 200:
        out.append("reads do not go on")
    answers = [entry for entry in rig.history.entries if entry["op"] == "answer" and entry["asked"] > failed_at]
    if case.call == "sync" and case.place == "store":
        later = [entry for entry in answers if entry["status"] == 202]
        if later:
            out.append(f"acknowledged after a failed sync: {later[0]['doc']}")
        if STOPPED not in log:
            out.append("the log does not say that nothing is stored any more")
    if case.call == "sync" and case.place == "incoming" and case.error == "EIO":
        asked = {entry["job"] for entry in answers if entry["job"]}
        ended = [entry["job"] for entry in rig.history.entries if entry["op"] == "event" and entry["type"] == "file.done"]
        told = [job for job in ended if job in asked]
        if told and "could not be stored" in log:
            out.append(f"published after a failed sync of data: job {told[0]}")
    return out
