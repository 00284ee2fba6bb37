# SPDX-License-Identifier: Apache-2.0
"""What clients saw, as they saw it: one JSON object a line, appended, synced, on another file system than the one that is cut.

An entry has `op`: "submit" (about to send a document), "answer" (what came back: a status and a job, or nothing), "event" (one
of /v1/events), "note" (what was done to the server; only for people who read it).
"""
import json
import os
import pathlib
import threading
import time


class History:
    def __init__(self, path: pathlib.Path):
        self.path = path
        self._file = open(path, "a")
        self._lock = threading.Lock()
        self.entries: list[dict] = []

    def write(self, op: str, **facts) -> None:
        entry = {"at": round(time.monotonic(), 4), "op": op, **facts}
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self.entries.append(entry)

    def sync(self) -> None:
        with self._lock:
            self._file.flush()
            os.fdatasync(self._file.fileno())


def read(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
