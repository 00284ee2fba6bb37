# SPDX-License-Identifier: Apache-2.0
"""One flipped bit anywhere in the store's file: at most one job is affected, it is named, and the rest runs.

Where SQLite itself finds the file damaged, the server refuses by name and says how to mend it; it never begins empty. What a flip
really changed is read from the file itself, beside the server.
"""
import dataclasses
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import threading
import time

from bed.place import Place
from bed.process import BedError, wait_until

from .clients import new_id, zoned
from .rig import Rig

MALFORMED = ("damaged", "not a database", "malformed", "of another program", "version")
ALL_AT_ONCE = ("malformed", "not a database", "of another program")
LANES = 2
ID, PROXY_ID = 1, 17  # columns of the table jobs


@dataclasses.dataclass
class Seen:
    flips: int = 0
    without_effect: int = 0  # on values of jobs: free room, indexes, other tables
    one_job: int = 0
    refused: int = 0  # SQLite found the file damaged, and that was said
    started: int = 0
    index_only: int = 0  # found by the check, not by reading

    def counts(self) -> dict:
        return dataclasses.asdict(self)


def fill(rig: Rig, jobs: int) -> None:
    """Jobs for tomorrow and some that are done, in a store that was closed properly."""
    rig.start()
    rig.begin_clients(2)
    rig.allow(12)
    wait_until("some downloads", lambda: rig.watcher.done_seen >= 10, 30)
    rig.end_clients()
    tomorrow = zoned(time.time() + 72000)
    url = rig.library.server.url + rig.library.paths[0]
    lines = "\n".join(json.dumps(rig.account.document(new_id(rig.dice), url, tomorrow)) for _ in range(jobs))
    rig.place.get("/v1/proxies", rig.account.token, "POST", lines.encode(), {"Content-Type": "application/jsonl"})
    rig.watcher.stopping.set()
    rig.place.stop()


def one_of_many(rig: Rig) -> list[str]:
    """The address in one of ten waiting jobs is another one at the next start: it ends as failed, by name; nine are done."""
    rig.start()
    soon = int(time.time()) + 2
    cores = [rig.account.document(new_id(rig.dice), rig.library.server.url + rig.library.paths[0], zoned(soon)) for _ in range(10)]
    jobs = [rig.submit(core) for core in cores]
    rig.place.stop()
    database = sqlite3.connect(rig.place.data / "restante.db")
    with database:
        database.execute("UPDATE jobs SET document = replace(document, '/0.bin', '/1.bin') WHERE id = ?", (bytes.fromhex(jobs[4]),))
    database.close()
    for _ in range(2):
        rig.start()
        others = [job for job in jobs if job != jobs[4]]
        wait_until("the others", lambda: all(rig.state(job)["state"] == "done" for job in others), 30, 0.05)
        wait_until("the word about the damaged one", lambda: rig.state(jobs[4]).get("history", [{}])[-1].get("cause") == "damaged", 30, 0.05)
        rig.place.stop()
    rig.start()
    bad = rig.state(jobs[4])
    rig.place.stop()
    found = [] if bad["state"] == "failed" and "damaged" in bad.get("why", "") else [f"the damaged job: {bad}"]
    told = [row["cause"] for row in bad["history"]].count("damaged")
    found += [] if told == 1 else [f"its damage was told {told} times"]
    found += [] if jobs[4] in rig.place.log() else ["the log does not name it"]
    area = {name: digest for name, digest in rig.disk_digests().items() if name.startswith(cores[4]["id"])}
    return found + [f"it was published: {name}" for name in area]


def _values(path: pathlib.Path) -> dict[str, tuple] | None:
    """What each job's rows hold, read without any index; None: SQLite cannot read them."""
    database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    database.text_factory = bytes
    try:
        jobs = {row[0]: row for row in database.execute("SELECT * FROM jobs NOT INDEXED")}
        files = database.execute("SELECT * FROM job_files").fetchall()
        good = database.execute("PRAGMA quick_check(1)").fetchone() == (b"ok",)
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    finally:
        database.close()
    if not good:
        return None
    grouped: dict = {}
    for row in files:
        grouped.setdefault(row[0], []).append(row)
    return {seq: (row, grouped.get(seq)) for seq, row in jobs.items()}


def flips(rig: Rig, dice: random.Random, count: int, start_every: int) -> tuple[dict, list[str]]:
    store = rig.place.data / "restante.db"
    whole = store.read_bytes()
    truth = _values(store)
    names = {seq: row[0][ID].hex() for seq, row in truth.items()}
    requests = {row[0][ID].hex(): row[0][PROXY_ID].decode() for row in truth.values()}
    drawn = [(number, dice.randrange(len(whole)), dice.randrange(8)) for number in range(count)]
    seen, found, lock = Seen(), [], threading.Lock()

    def several(lane: int) -> None:
        copy = rig.place.folder / f"copy{lane}"
        shutil.copytree(rig.place.data, copy, ignore=shutil.ignore_patterns("areas", "incoming", "*.sock", "lock"))
        for number, at, bit in drawn[lane::LANES]:
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            for beside in copy.glob("restante.db*"):
                beside.unlink()
            (copy / "restante.db").write_bytes(damaged)
            values = _values(copy / "restante.db")
            altered = sorted(names[seq] for seq in truth if values is not None and values.get(seq) != truth[seq])
            code, words = _check(rig, copy)
            with lock:
                wrong = _judge(seen, values, {name: requests[name] for name in altered}, code, words)
            if number % start_every == 0:
                try:
                    wrong += _start(rig, copy, len(names), altered)
                except (ValueError, OSError) as error:
                    wrong.append(f"the answer cannot be read: {error!r}")
            with lock:
                seen.started += number % start_every == 0
                found.extend(f"bit {bit} of byte {at}: {one}" for one in wrong)

    lanes = [threading.Thread(target=several, args=(lane,)) for lane in range(LANES)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    if seen.flips != count:
        found.append(f"only {seen.flips} of {count} flips were judged")
    return seen.counts(), found


def _check(rig: Rig, data: pathlib.Path) -> tuple[int, str]:
    command = [rig.place.binaries / "restanted", "--config", rig.place.config, "--data", data, "check"]
    # The check changes nothing here, so its syncs may be left out: thousands of them take their time.
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60,
                          env={**os.environ, **rig.machine.faults("nosync")})
    return said.returncode, said.stdout + said.stderr


def _judge(seen: Seen, values: dict | None, altered: dict[str, str], code: int, words: str) -> list[str]:
    seen.flips += 1
    if values is None:
        seen.refused += 1
        return ["SQLite finds the store damaged, and the check does not"] if code == 0 else []
    if not altered:
        seen.without_effect += 1
        seen.index_only += code != 0
        return []
    seen.one_job += len(altered) == 1
    wrong = [f"{len(altered)} jobs are affected"] if len(altered) > 1 else []
    for job, request in altered.items():
        if not any(word in words for word in (job, request, *ALL_AT_ONCE)):
            wrong.append(f"job {job} is damaged, and is not named: {words[-200:]}")
    return wrong


def _start(rig: Rig, data: pathlib.Path, jobs: int, altered: list[str]) -> list[str]:
    """A real start on the damaged store: it says what is wrong and how to mend it, or goes on with all but one."""
    place = Place(data.parent / f"started-{data.name}", rig.place.config.read_text(), binaries=rig.place.binaries)
    place.data = data
    try:
        place.start()
    except BedError:
        said = place.log()
        shutil.rmtree(place.folder)
        return [] if any(word in said for word in MALFORMED) else [f"it does not start, and does not say why: {said[-300:]}"]
    try:
        status, _, body = place.get("/v1/jobs?limit=1000", rig.account.token)
        log = place.log()
        if status in (401, 421):  # the flip hit the device's record
            return []
        if status != 200:
            named = any(word in body.decode(errors="replace") + log for word in MALFORMED)
            return [] if named else [f"the list of downloads: {status} {body[:200]!r}"]
        listed = json.loads(body)
        sound = [job for job in listed if job["id"] not in altered]
        return [] if len(sound) >= jobs - 1 else [f"only {len(sound)} of {jobs} downloads are there"]
    finally:
        place.kill()
        shutil.rmtree(place.folder)
