# SPDX-License-Identifier: Apache-2.0
"""A relay between a place and a content server that counts what it lets through, and cuts connections on demand.

It speaks just enough HTTP/1.1 to know where the body of an answer begins. For each path it notes which bytes of the content
it let through (handed to its own kernel, whatever became of them), over however many connections: those that pass once more
after an interruption are what was fetched again for it.
"""
import asyncio
import dataclasses
import random
import socket
import struct
import threading

CHUNK = 16 * 1024
HEAD_LIMIT = 64 * 1024


@dataclasses.dataclass
class Content:
    """What is known of one path."""
    through: list[tuple[int, int]] = dataclasses.field(default_factory=list)  # [begin, end) of what was let through, in order
    passed: int = 0  # all bytes of bodies
    cause: str | None = None  # of the last interruption
    refetched: int = 0  # since then: bytes that had passed before
    active: "list[Flow]" = dataclasses.field(default_factory=list)
    most_active: int = 0

    def let_through(self, begin: int, end: int) -> None:
        before = sum(max(0, min(end, there_end) - max(begin, there)) for there, there_end in self.through)
        self.refetched += before
        self.passed += end - begin
        touching = [one for one in self.through if one[0] <= end and begin <= one[1]]
        others = [one for one in self.through if one not in touching]
        self.through = sorted([*others, (min(begin, *(one[0] for one in touching), begin), max(end, *(one[1] for one in touching), end))])


@dataclasses.dataclass
class Again:
    """What came once more after an interruption, until the next one."""
    path: str
    cause: str
    refetched: int


class Flow:
    """One answer under way."""

    def __init__(self, content: Content, writer: asyncio.StreamWriter, start: int):
        self.content, self.writer, self.start, self.sent = content, writer, start, 0
        self.cut_at: int | None = None
        self.how = "fin"


class Relay:
    """`rate`: bytes a second of each connection. `cuts`: (least, most) bytes after which a connection is cut; None: never."""

    def __init__(self, target: tuple[str, int], rate: int, seed: int, ignore_ranges: bool = False):
        self.target, self.rate, self.ignore_ranges = target, rate, ignore_ranges
        self.dice = random.Random(seed)
        self.cuts: tuple[int, int] | None = None
        self.lock = threading.Lock()
        self.contents: dict[str, Content] = {}
        self.again: list[Again] = []
        self.problems: list[str] = []
        self.loop = asyncio.new_event_loop()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def flowing(self) -> dict[str, int]:
        """Bytes that each answer under way has brought so far."""
        with self.lock:
            sent = {path: max((flow.sent for flow in content.active), default=0) for path, content in self.contents.items()}
            return {path: most for path, most in sent.items() if most}

    def interrupted_by(self, cause: str) -> list["Flow"]:
        """To be called right before something is killed: answers under way count as interrupted by it."""
        with self.lock:
            flowing = []
            for path, content in self.contents.items():
                if any(flow.sent for flow in content.active):
                    self._interrupted(path, content, cause)
                    flowing += content.active
            return flowing

    def ended(self, flows: list["Flow"]) -> bool:
        with self.lock:
            return all(flow not in flow.content.active for flow in flows)

    def settle(self) -> None:
        """Nothing more comes: the last interruption of each path counts."""
        with self.lock:
            for path, content in self.contents.items():
                self._interrupted(path, content, None)

    def _interrupted(self, path: str, content: Content, cause: str | None) -> None:
        if content.cause or content.refetched:
            self.again.append(Again(path, content.cause or "nothing", content.refetched))
        content.cause, content.refetched = cause, 0

    def passed(self, path: str) -> int:
        with self.lock:
            return self.contents[path].passed if path in self.contents else 0

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(asyncio.start_server(self._serve, sock=self.listener, limit=HEAD_LIMIT))
        self.loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        writer.transport.set_write_buffer_limits(high=0)
        try:
            while await self._one_request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _one_request(self, reader, writer) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        path = lines[0].split(" ")[1]
        fields = [line for line in lines[1:] if line]
        start = next((int(line.split("=")[1].split("-")[0]) for line in fields if line.lower().startswith("range:")), 0)
        if self.ignore_ranges:
            fields = [line for line in fields if not line.lower().startswith(("range:", "if-range:"))]
        with self.lock:
            content = self.contents.setdefault(path, Content())
        from_server, to_server = await asyncio.open_connection(*self.target)
        try:
            to_server.write("\r\n".join([lines[0], *fields, "", ""]).encode("latin-1"))
            answer = await from_server.readuntil(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
            if length is None:
                with self.lock:
                    self.problems.append(f"an answer without a length: {answer[:200]!r}")
                return False
            writer.write(answer)
            await writer.drain()
            return await self._body(path, content, from_server, writer, 0 if answer.startswith(b"HTTP/1.1 200") else start, length)
        finally:
            to_server.transport.abort()

    async def _body(self, path: str, content: Content, from_server, writer, start: int, length: int) -> bool:
        flow = Flow(content, writer, start)
        with self.lock:
            content.active.append(flow)
            content.most_active = max(content.most_active, len(content.active))
            if self.cuts:
                flow.cut_at = self.dice.randrange(*self.cuts)
                flow.how = self.dice.choice(("fin", "rst"))
        began = self.loop.time()
        whole = False
        try:
            while flow.sent < length:
                wanted = min(CHUNK, length - flow.sent)
                if flow.cut_at is not None:
                    wanted = min(wanted, flow.cut_at - flow.sent)
                    if wanted == 0:
                        break
                piece = await from_server.readexactly(wanted)
                writer.write(piece)
                await writer.drain()
                with self.lock:
                    content.let_through(start + flow.sent, start + flow.sent + len(piece))
                    flow.sent += len(piece)
                await asyncio.sleep(max(0.0, began + flow.sent / self.rate - self.loop.time()))
            whole = flow.sent == length
            return whole
        finally:
            self._end(path, flow, whole)

    def _end(self, path: str, flow: Flow, whole: bool) -> None:
        with self.lock:
            content = flow.content
            cut = flow.cut_at is not None and flow.sent >= flow.cut_at and not whole
            if cut:
                self._interrupted(path, content, "cut-" + flow.how)
                if flow.how == "rst":
                    raw = flow.writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            content.active.remove(flow)
