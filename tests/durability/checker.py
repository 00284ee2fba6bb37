# SPDX-License-Identifier: Apache-2.0
"""Compares what clients were told with what a restarted server has. Knows nothing of how the server works.

Input: the entries of a history, the truth of each path (SHA-256), and the final state: jobs, files, the bytes on the disk, the
partial files, and the events as they can be read again from the beginning.
"""
import collections
import dataclasses
import re

NUMBERED = re.compile(r"^([0-9a-f-]{36})(?: \(\d+\))?\.bin$")
ENDED_WELL = "done"


@dataclasses.dataclass
class Final:
    jobs: dict[str, dict]  # by id, as /v1/jobs shows them
    files: list[dict]  # as /v1/files shows them
    disk: dict[str, str]  # relative name in the area: SHA-256
    partials: list[str]  # what lies in incoming
    events: list[dict]  # read again from 0


@dataclasses.dataclass
class Verdict:
    submitted: int = 0
    acknowledged: int = 0
    repeated: int = 0  # answered more than once
    unanswered: int = 0  # sent, never answered: may be there or not
    published: int = 0
    lost: list[str] = dataclasses.field(default_factory=list)
    twice: list[str] = dataclasses.field(default_factory=list)
    wrong_bytes: list[str] = dataclasses.field(default_factory=list)
    notices_missing: list[str] = dataclasses.field(default_factory=list)
    unfinished: list[str] = dataclasses.field(default_factory=list)  # visible or left over
    ghosts: list[str] = dataclasses.field(default_factory=list)  # nobody asked for it

    FAULTS = ("lost", "twice", "wrong_bytes", "notices_missing", "unfinished", "ghosts")

    def counts(self) -> dict:
        out = {name: getattr(self, name) for name in ("submitted", "acknowledged", "repeated", "unanswered", "published")}
        return out | {name: len(getattr(self, name)) for name in self.FAULTS}

    def holds(self) -> bool:
        return self.acknowledged > 0 and not any(getattr(self, name) for name in self.FAULTS)

    def findings(self, most: int = 5) -> list[str]:
        return [f"{name}: {one}" for name in self.FAULTS for one in getattr(self, name)[:most]]


def check(history: list[dict], truth: dict[str, str], final: Final) -> Verdict:
    verdict = Verdict()
    wanted = {entry["doc"]: truth[entry["path"]] for entry in history if entry["op"] == "submit"}
    answers = collections.defaultdict(list)
    for entry in history:
        if entry["op"] == "answer" and entry["status"] in (200, 202):
            answers[entry["doc"]].append(entry["job"])
    job_of = _requests(verdict, wanted, answers, final)
    _publications(verdict, wanted, answers, job_of, final)
    _notices(verdict, history, final)
    verdict.unfinished += [f"left in incoming: {name}" for name in final.partials]
    return verdict


def _requests(verdict: Verdict, wanted: dict, answers: dict, final: Final) -> dict[str, str]:
    """Every acknowledged request is one job that ended done. Returns the job of each document."""
    verdict.submitted, verdict.acknowledged = len(wanted), len(answers)
    verdict.unanswered = len(wanted) - len(answers)
    job_of = {}
    for doc, jobs in answers.items():
        verdict.repeated += len(jobs) > 1
        if len(set(jobs)) > 1:
            verdict.twice.append(f"{doc} was given {len(set(jobs))} jobs")
        job_of[doc] = jobs[0]
        found = final.jobs.get(jobs[0])
        if not found:
            verdict.lost.append(f"{doc}: job {jobs[0]} was acknowledged and is not there")
        elif found["state"] != ENDED_WELL:
            verdict.lost.append(f"{doc}: job {jobs[0]} is {found['state']} ({found.get('reason')})")
    docs = {job["proxy"]: job for job in final.jobs.values() if "proxy" in job}
    for doc, job in docs.items():
        if doc not in wanted:
            verdict.ghosts.append(f"job {job['id']} of {doc}: nobody asked for it")
        elif doc not in answers:
            job_of[doc] = job["id"]
            if job["state"] != ENDED_WELL:
                verdict.lost.append(f"{doc}: stored, not acknowledged, {job['state']} ({job.get('reason')})")
    return job_of


def _publications(verdict: Verdict, wanted: dict, answers: dict, job_of: dict, final: Final) -> None:
    rows = collections.defaultdict(list)
    published = [file for file in final.files if "job" in file]  # what has none is taken for another program's
    for file in published:
        rows[file["job"]].append(file)
    on_disk = collections.defaultdict(list)
    for name, digest in final.disk.items():
        match = NUMBERED.match(name)
        doc = match.group(1) if match else None
        if doc not in wanted:
            verdict.unfinished.append(f"in the area, but nobody asked for it: {name}")
            continue
        on_disk[doc].append(name)
        if digest != wanted[doc]:
            verdict.wrong_bytes.append(f"{name}: {digest[:12]} instead of {wanted[doc][:12]}")
    verdict.published = len(on_disk)
    named = {file["name"] for file in published}
    for doc, names in on_disk.items():
        if len(names) > 1:
            verdict.twice.append(f"{doc} lies in the area {len(names)} times: {sorted(names)}")
        verdict.unfinished += [f"in the area without being published: {name}" for name in names if name not in named]
    for doc, job in job_of.items():
        mine = rows.get(job, [])
        if len(mine) > 1:
            verdict.twice.append(f"{doc} was published {len(mine)} times: {sorted(file['name'] for file in mine)}")
        if final.jobs.get(job, {}).get("state") == ENDED_WELL and not (mine and on_disk.get(doc)):
            verdict.lost.append(f"{doc}: job {job} is done, and its file is not there")
        for file in mine:
            if file.get("sha256") not in (None, wanted[doc]):
                verdict.wrong_bytes.append(f"{file['name']}: the server claims {file['sha256'][:12]}")


def _notices(verdict: Verdict, history: list[dict], final: Final) -> None:
    """Each end has exactly one stored event, each file exactly one file.done; what was told once can be read again."""
    ends, files = collections.Counter(), collections.Counter()
    stored = {}
    for event in final.events:
        if event["type"] == "job.state" and event.get("to") == ENDED_WELL and event.get("from") != ENDED_WELL:
            ends[event["job"]] += 1
        if event["type"] == "file.done":
            files[event["job"]] += 1
        if event["seq"] is not None:
            if event["seq"] in stored:
                verdict.twice.append(f"event {event['seq']} comes twice")
            stored[event["seq"]] = (event["job"], event.get("from"), event.get("to"), event.get("cause"))
    for job, facts in final.jobs.items():
        if facts["state"] != ENDED_WELL:
            continue
        for what, counted in (("end", ends), ("file.done", files)):
            if counted[job] == 0:
                verdict.notices_missing.append(f"job {job} is done, and its {what} was never told")
            if counted[job] > 1:
                verdict.twice.append(f"job {job}: its {what} was told {counted[job]} times")
    for entry in history:
        if entry["op"] == "event" and entry["seq"] is not None:
            told = (entry["job"], entry.get("from"), entry.get("to"), entry.get("cause"))
            if stored.get(entry["seq"]) != told:
                verdict.notices_missing.append(f"event {entry['seq']} was told and cannot be read again")
