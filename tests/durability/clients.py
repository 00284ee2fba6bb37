# SPDX-License-Identifier: Apache-2.0
"""Clients of a place: they submit, repeat what got no answer, watch the events, and write everything down."""
import http.client
import json
import random
import threading
import time

from .history import History

NO_ANSWER = (OSError, http.client.HTTPException)


class Account:
    """Who the clients are, and where."""

    def __init__(self, address: str, token: str, place_jkt: str):
        self.address, self.token, self.jkt = address, token, place_jkt

    def connect(self, seconds: float = 10) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address, timeout=seconds)

    def headers(self, **more) -> dict:
        return {"Authorization": f"Bearer {self.token}", **more}

    def document(self, doc: str, url: str, start: str | None = None) -> dict:
        now = int(time.time())
        core = {"v": 1, "id": doc, "aud": [{"jkt": self.jkt}], "iat": now - 60, "exp": now + 86400,
                "what": {"files": [{"name": f"{doc}.bin", "sources": [{"url": url}]}]}, "limits": {"attempts": 100}}
        if start:
            core["when"] = {"tz": "UTC", "start": start}
        return core


def zoned(seconds: float) -> str:
    """An instant as documents write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00[UTC]", time.gmtime(seconds))


def new_id(dice: random.Random) -> str:
    bits = f"{dice.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-8{bits[17:20]}-{bits[20:]}"


class Submitter(threading.Thread):
    """Sends a document, then the next. What got no answer is sent again, the same words; one in ten is left at that."""

    def __init__(self, account: Account, history: History, base_url: str, paths: list[str], seed: int, room):
        super().__init__(daemon=True)
        self.account, self.history, self.base_url, self.paths = account, history, base_url, paths
        self.dice, self.room = random.Random(seed), room
        self.stopping = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        waiting: list[tuple[str, dict]] = []
        while not self.stopping.is_set():
            if not waiting:
                if not self.room():
                    self.stopping.wait(0.005)
                    continue
                doc, path = new_id(self.dice), self.dice.choice(self.paths)
                core = self.account.document(doc, self.base_url + path)
                self.history.write("submit", doc=doc, path=path)
                waiting.append((doc, core))
            doc, core = waiting[0]
            asked = round(time.monotonic(), 4)
            status, job, reason = self._send(core)
            self.history.write("answer", doc=doc, asked=asked, status=status, job=job, **({"reason": reason} if reason else {}))
            answered = status in (200, 202)
            # An answered document is sharply repeated now and then: it must stay one request.
            if answered and self.dice.random() < 0.9 or not answered and self.dice.random() < 0.1:
                waiting.pop(0)
            if not answered:
                self.stopping.wait(0.01)

    def _send(self, core: dict) -> tuple[int | None, str | None, str | None]:
        try:
            self._connection = self._connection or self.account.connect()
            self._connection.request("POST", "/v1/proxies", json.dumps(core), self.account.headers(**{"Content-Type": "application/json"}))
            answer = self._connection.getresponse()
            said = json.loads(answer.read())
            if answer.status not in (200, 202):
                return answer.status, None, said.get("type", "").rsplit("/", 1)[-1]
            return answer.status, said["id"], None
        except NO_ANSWER:
            self._drop()
            return None, None, None

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


class Watcher(threading.Thread):
    """Listens to the events of the account, and after each loss of the connection goes on behind the last one it has."""

    def __init__(self, account: Account, history: History):
        super().__init__(daemon=True)
        self.account, self.history = account, history
        self.stopping = threading.Event()
        self.done_seen = 0
        self._last: int | None = None

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                for event in events(self.account, self._last if self._last is not None else 0, 2.0):
                    if event is None:
                        if self.stopping.is_set():
                            return
                        continue
                    if event.get("seq") is not None:
                        self._last = event["seq"]
                    if event["type"] != "job.progress":
                        self.history.write("event", **event)
                    self.done_seen += event.get("to") == "done"
            except NO_ANSWER:
                self.stopping.wait(0.02)


def events(account: Account, after: int, seconds: float):
    """Yields events after that one; None for a heartbeat or the end of what is stored. Ends by an exception of the connection."""
    connection = account.connect(seconds)
    try:
        connection.request("GET", "/v1/events", headers=account.headers(**{"Last-Event-ID": str(after)}))
        answer = connection.getresponse()
        if answer.status != 200:
            raise http.client.HTTPException(f"events: {answer.status}")
        fields: dict = {}
        while True:
            line = answer.readline()
            if not line:
                raise http.client.HTTPException("the end of the events")
            text = line.decode().rstrip("\n")
            if text.startswith(":"):
                yield None
            elif text:
                name, _, value = text.partition(": ")
                fields[name] = value
            elif "data" in fields:
                data = json.loads(fields["data"])
                kept = {key: data[key] for key in ("job", "from", "to", "cause", "reason", "file", "name") if key in data}
                yield {"type": fields["event"], "seq": int(fields["id"]) if "id" in fields else None, **kept}
                fields = {}
            else:
                fields = {}
    finally:
        connection.close()
