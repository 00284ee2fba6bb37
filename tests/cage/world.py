# SPDX-License-Identifier: Apache-2.0
"""The world around a worker that was taken over: the real server with two accounts, the attacker's content server that hands
out programs, canaries that count who comes, and what can be seen of a process from outside."""
import copy
import http.client
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading
import time
import typing
import uuid

from bed.device import Device
from bed.place import Place
from bed.process import BedError, free_port, wait_until
from cage.program import THE_OUTPUT, Program, Report

ATTACKER, CANARY, CANARY6 = "93.184.216.34", "93.184.216.35", "2606:2800:220:1::35"
BOBS_SECRET = "B0B5-S3CR3T-4f1c9e"
BOBS_BYTES = b"what bob downloads, 5d1c"


class Canary:
    """Counts connections or datagrams at one address; nobody honest ever comes."""

    def __init__(self, family: int, kind: int, address):
        self.socket = socket.socket(family, kind)
        self.socket.bind(address)
        if kind == socket.SOCK_STREAM:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16) if family != socket.AF_UNIX else None
            self.socket.listen(64)
        self.socket.setblocking(False)
        self.kind, self.address = kind, self.socket.getsockname()

    @property
    def port(self) -> int:
        return self.address[1]

    def visits(self) -> int:
        """Since the last call."""
        count = 0
        try:
            while True:
                if self.kind == socket.SOCK_STREAM:
                    self.socket.accept()[0].close()
                else:
                    self.socket.recv(65536)
                count += 1
        except BlockingIOError:
            return count


class Meeting:
    """One run of a program inside a worker, as the attacker's server sees it."""

    def __init__(self, program: Program | None, body: bytes = b""):
        self.program, self.body = program, program.encode() if program else body
        self.reports: queue.Queue = queue.Queue()  # None: the worker is gone
        self.begun = False
        self.connection: socket.socket | None = None
        self.request = b""

    def next(self, seconds: float = 20) -> Report | None:
        return self.reports.get(timeout=seconds)

    def go_on(self) -> None:
        try:
            self.connection.sendall(b"g")
        except OSError:
            pass  # it did not live to hear it


class Attacker:
    """A content server: `/N` answers with the body of meeting N and listens to what comes back."""

    def __init__(self):
        self.meetings: dict[str, Meeting] = {}
        self.listener = socket.create_server((ATTACKER, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def meet(self, meeting: Meeting) -> str:
        number = str(len(self.meetings))
        self.meetings[number] = meeting
        return f"http://{ATTACKER}:{self.port}/{number}"

    def _serve(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        meeting = None
        try:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += self._read(connection, 1)
                meeting = self.meetings.get(head.split(b" ", 2)[1].decode().strip("/"))
                if not meeting:
                    return  # something else that native code sent to us
                meeting.request, meeting.connection = head, connection
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nETag: \"1\"\r\nContent-Length: "
                                   + str(len(meeting.body)).encode() + b"\r\n\r\n" + meeting.body)
                if meeting.program:
                    self._hear(connection, meeting)
        except OSError:
            pass
        finally:
            connection.close()
            if meeting:
                meeting.reports.put(None)

    def _hear(self, connection: socket.socket, meeting: Meeting) -> None:
        self._read(connection, 1)
        meeting.begun = True
        while True:
            size = int.from_bytes(self._read(connection, 4), "little")
            meeting.reports.put(Report(self._read(connection, size)))

    @staticmethod
    def _read(connection: socket.socket, size: int) -> bytes:
        got = b""
        while len(got) < size:
            more = connection.recv(size - len(got))
            if not more:
                raise ConnectionError("closed")
            got += more
        return got


class Seen:
    """A process from outside, by /proc."""

    def __init__(self, pid: int):
        self.pid = pid
        self.path = pathlib.Path(f"/proc/{pid}")

    def status(self, key: str) -> str:
        found = re.search(rf"^{key}:\s*(.*)$", (self.path / "status").read_text(), re.M)
        return found.group(1) if found else ""

    def stopped(self) -> bool:
        return self.status("State").startswith("T")

    def wake(self) -> bool:
        """Ends a stop."""
        os.kill(self.pid, signal.SIGCONT)
        return wait_until("a stopped process to go on", lambda: not self.stopped())

    def tracer(self) -> int:
        return int(self.status("TracerPid"))

    def children(self) -> list[int]:
        return [int(pid) for task in self.path.glob("task/*/children") for pid in task.read_text().split()]

    def descriptors(self) -> dict[int, str]:
        found = {}
        for entry in self.path.glob("fd/*"):
            try:
                found[int(entry.name)] = os.readlink(entry)
            except OSError:
                pass
        return found

    def limits(self) -> dict[str, str]:
        """The soft limit of each resource."""
        return {line[:26].strip(): line[26:].split()[0] for line in (self.path / "limits").read_text().splitlines()[1:]}

    def memory(self) -> bytes:
        """Everything that is mapped to be written."""
        out = b""
        with open(self.path / "mem", "rb", buffering=0) as memory:
            for line in (self.path / "maps").read_text().splitlines():
                span, rights, *_ = line.split()
                begin, end = (int(part, 16) for part in span.split("-"))
                if "rw" not in rights:
                    continue
                memory.seek(begin)
                try:
                    out += memory.read(end - begin)
                except OSError:
                    pass
        return out


class Visit(Seen):
    """A worker of Ana's that runs a program."""

    def __init__(self, world: "World", meeting: Meeting, pid: int, job: str, locks: str):
        super().__init__(pid)
        self.locks = locks.strip().split(", ")  # as the server's log has them
        self.world, self.meeting, self.job, self.report = world, meeting, job, meeting.next()
        self.end = ""

    def go_on(self) -> Report | None:
        """Lets it go on behind `Program.wait`; the next report, None when it did not live."""
        self.meeting.go_on()
        return self.meeting.next()

    def becomes(self, condition: typing.Callable, seconds: float = 1.0) -> bool:
        """Until the condition holds, the time is over, or the worker has said another word."""
        end = time.monotonic() + seconds
        while True:
            last = time.monotonic() > end or not self.meeting.reports.empty()
            try:
                if condition():
                    return True
            except OSError:
                pass
            if last:
                return False
            time.sleep(0.003)

    def ended(self) -> bool:
        def is_gone() -> bool:
            try:
                return self.status("State").startswith("Z")
            except (FileNotFoundError, ProcessLookupError):  # by the time the file is opened, or read
                return True
        return wait_until("the worker's end", is_gone)

    def kill_children(self) -> int:
        """How many it has; they are ended."""
        children = self.children()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        return len(children)

    def leave(self) -> str:
        """Ends it; how it ended, in the server's words."""
        if self.report is not None:
            self.meeting.go_on()
        try:
            if os.readlink(self.path / "exe") != str(self.world.hostile):
                os.kill(self.pid, signal.SIGKILL)  # it has become another program
        except OSError:
            pass  # it is gone already
        self.end = self.world.log_line(rf"worker {self.pid} of account \d+ ended: (.*)").group(1)
        return self.end


class World:
    def __init__(self, folder: pathlib.Path, binaries: pathlib.Path, worker: list | None = None):
        self.folder, self.binaries = folder, binaries
        folder.mkdir(parents=True, exist_ok=True)
        self.secret = folder / "secret.txt"
        self.secret.write_text("nobody's business 7a40c1\n")
        self.roots = folder / "roots.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=roots",
                        "-keyout", "/dev/null", "-out", str(self.roots)], check=True, capture_output=True)
        self.open([])
        self.hostile = binaries / "tests" / "restante-transfer-hostile"
        program = self.hostile
        if worker is not None:
            program = folder / "worker"
            program.write_text("#!/bin/sh\nexec " + " ".join(map(str, [*worker, self.hostile])) + ' "$@"\n')
            program.chmod(0o755)
        self.queues = folder / "queues"
        self.queues.mkdir()
        subprocess.run(["mount", "-t", "mqueue", "queues", str(self.queues)], check=True, capture_output=True)
        self.attacker = Attacker()
        self.tcp = Canary(socket.AF_INET, socket.SOCK_STREAM, (CANARY, 0))
        self.tcp6 = Canary(socket.AF_INET6, socket.SOCK_STREAM, (CANARY6, 0))
        self.loopback = Canary(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self.udp = Canary(socket.AF_INET, socket.SOCK_DGRAM, (CANARY, 0))
        self.unix = Canary(socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "canary.sock"))
        self.unix_datagram = Canary(socket.AF_UNIX, socket.SOCK_DGRAM, str(folder / "datagram.sock"))
        self.abstract = Canary(socket.AF_UNIX, socket.SOCK_STREAM, b"\0restante-cage")
        self.closed_port = free_port(ATTACKER)
        self.place = Place(folder / "place", f'[worker]\nprogram = "{program}"\nca_bundle = "{self.roots}"\n'
                           "[limits]\nsubmit_per_minute = 100000\n", [f"127.0.0.1:{free_port()}"], binaries=binaries)
        self.place.start()
        self.server = Seen(self.place.program.pid)
        self.jkt = json.loads(self.place.get("/.well-known/restante")[2])["jkt"]
        self.log_position = 0
        self.lines: list[str] = []
        self.tokens = {}
        self.transfers = 0
        for name in ("ana", "bob"):
            self.place.add_user(name)
            device = Device(folder / name, binaries=binaries)
            device.connect("home", self.place.pair(name))
            self.tokens[name] = device.token()
        self.http = http.client.HTTPConnection(*self.place.listen[0].split(":"), timeout=30)

    def close(self) -> None:
        self.place.stop()

    def open(self, words: list[str]) -> None:
        """The locks that the next worker leaves open."""
        pathlib.Path(f"{self.roots}.open").write_text(" ".join(words))

    # ---- the server's log tells pids and ends of workers

    def log_line(self, pattern: str, seconds: float = 20) -> re.Match:
        """The next line like that, after the one found before."""
        log = self.place.folder / "restanted.1.log"
        compiled = re.compile(pattern)

        def find():
            with open(log, "rb") as stream:
                stream.seek(self.log_position)
                for raw in stream:
                    if not raw.endswith(b"\n"):
                        return None
                    self.log_position += len(raw)
                    line = raw.decode(errors="replace")
                    self.lines.append(line)
                    found = compiled.search(line)
                    if found:
                        return found
            return None
        return wait_until(f"{pattern!r} in the server's log", find, seconds, 0.003)

    # ---- jobs

    def ask(self, method: str, path: str, token: str, body: dict | None = None):
        self.http.request(method, path, json.dumps(body) if body is not None else None,
                          {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        answer = self.http.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def transfer_number(self) -> int:
        """Of the next transfer. Workers know it; programs are told."""
        return self.transfers + 1

    def submit(self, account: str, url: str, **parts) -> str:
        self.transfers += 1
        now = int(time.time())
        core = {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": self.jkt}], "iat": now, "exp": now + 86400, "limits": {"attempts": 1},
                "what": {"files": [{"sources": [{"url": url}]}]}, "probe": False, **parts}
        status, answer = self.ask("POST", "/v1/proxies", self.tokens[account], core)
        if status not in (200, 201, 202):
            raise BedError(f"the place refused: {status} {answer}")
        return answer["id"]

    def job(self, account: str, job: str) -> dict:
        return self.ask("GET", f"/v1/jobs/{job}", self.tokens[account])[1]

    def meet(self, program: Program, opened: list[str], **parts) -> "Visit":
        """Runs the program in a fresh worker of Ana's behind these locks, up to its first report."""
        self.open(opened)
        meeting = Meeting(program)
        job = self.submit("ana", self.attacker.meet(meeting), **parts)
        ready = self.log_line(r"worker (\d+) of account (\d+) (?:is ready; locks: |ended)(.*)")
        return Visit(self, meeting, int(ready.group(1)), job, ready.group(3))

    def learn_words(self) -> None:
        """What an honest worker could say of a transfer, as it is written in this version: the pattern of every lie."""
        program = Program()
        room = [program.room(8192) for _ in range(3)]
        sizes = [program.call("@template", kind, one, 8192) for kind, one in enumerate(room)]
        visit = self.meet(program, [])
        spoken = (json.loads(visit.report.bytes(one)[:visit.report.result(size)]) for one, size in zip(room, sizes))
        self.words = {one["type"]: one for one in spoken}
        visit.leave()

    def say(self, kind: str, transfer: int | None = None, **members) -> bytes:
        """A packet of that kind, with some members changed; those of `result` and `facts` too."""
        packet = copy.deepcopy(self.words[kind])
        packet["transfer"] = self.transfer_number() if transfer is None else transfer
        for inner in (packet, packet.get("result", {}), packet.get("facts", {}), packet.get("result", {}).get("facts", {})):
            inner.update({name: members.pop(name) for name in list(members) if name in inner})
        return json.dumps({**packet, **members}).encode()

    def settle(self, account: str) -> None:
        """Until nothing of that account is under way."""
        wait_until("the end of the account's downloads", lambda: all(
            job["state"] in ("done", "failed") for job in self.ask("GET", "/v1/jobs", self.tokens[account])[1]))

    def hold_bob(self) -> None:
        """Bob's worker is in the middle of a download, with a secret of his in its memory and some bytes on disk."""
        program = Program()
        self.bobs_memory = program.text(BOBS_SECRET)
        content = program.data(BOBS_BYTES)
        program.call("pwrite64", THE_OUTPUT, content, len(BOBS_BYTES), 0)
        program.wait()
        self.bobs_meeting = Meeting(program)
        url = self.attacker.meet(self.bobs_meeting)
        self.bobs_job = self.submit("bob", url, access=[{"id": "c1", "kind": "bearer", "scope": [f"http://{ATTACKER}:{self.attacker.port}"],
                                                        "token": BOBS_SECRET}])
        ready = self.log_line(r"worker (\d+) of account (\d+) is ready")
        self.bob, self.bobs_account = Seen(int(ready.group(1))), int(ready.group(2))
        report = self.bobs_meeting.next()
        if report is None:
            raise BedError("bob's worker did not start:\n" + self.place.log()[-2000:])
        self.bobs_address = report.address(self.bobs_memory)
        self.bobs_file = next(path for fd, path in self.bob.descriptors().items() if "/incoming/" in path)
        self.filters = int(self.bob.status("Seccomp_filters"))
