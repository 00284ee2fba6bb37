# SPDX-License-Identifier: Apache-2.0
"""Crowds that want to keep a place busy: slow clients of its API, and content servers that trickle.

Each lives on one loop in a thread of its own; everything is on loopback, and ends with `stop`.
"""
import asyncio
import collections
import json
import re
import socket
import threading
import time
import uuid

KINDS = ("half a head", "a slow body", "an unread answer", "unread events")


class Loop:
    """An asyncio loop in a thread."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: None)  # connections that end in the middle are the point
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, coroutine, seconds: float = 120):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def stop(self) -> None:
        async def end():
            for server in getattr(self, "servers", []):
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class SlowClients(Loop):
    """`count` connections to a place, a quarter of each kind."""

    def __init__(self, place, token: str, count: int):
        super().__init__()
        self.host, port = place.listen[0].rsplit(":", 1)
        self.port, self.token = int(port), token
        self.ends: list[tuple[str, bytes]] = []  # kind, and what the place said before it closed
        self.open: dict = {}
        self.call(self._connect(count))

    async def _connect(self, count: int) -> None:
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            one = socket.socket()
            one.setblocking(False)
            if kind.startswith("an unread") or kind.startswith("unread"):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            await self.loop.sock_connect(one, (self.host, self.port))
            self.open[one] = kind
            asyncio.ensure_future(self._be_slow(one, kind))
            if number % 50 == 49:
                await asyncio.sleep(0)

    def _head(self, line: str, *more: str) -> bytes:
        return "\r\n".join([f"{line} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Authorization: Bearer {self.token}", *more, "", ""]).encode()

    async def _be_slow(self, one: socket.socket, kind: str) -> None:
        said = b""
        try:
            if kind == "half a head":
                said = await self._drip(one, self._head("GET /v1/jobs", "X-Slow: " + "x" * 4000))
            elif kind == "a slow body":
                await self.loop.sock_sendall(one, self._head("POST /v1/proxies", "Content-Type: application/json", "Content-Length: 60000"))
                said = await self._drip(one, b"{" + b" " * 59999)
            elif kind == "an unread answer":
                while True:  # until the place takes no more
                    await self.loop.sock_sendall(one, self._head("GET /v1/openapi.json") * 8)
                    await asyncio.sleep(0.5)
            else:
                await self.loop.sock_sendall(one, self._head("GET /v1/events"))
                while True:
                    await asyncio.sleep(60)
        except OSError:
            pass
        try:
            while more := await asyncio.wait_for(self.loop.sock_recv(one, 65536), 1):
                said += more
        except (OSError, asyncio.TimeoutError):
            pass
        self.ends.append((kind, said))
        del self.open[one]
        one.close()

    async def _drip(self, one: socket.socket, data: bytes) -> bytes:
        """A byte a second, until it is all sent or the place has had enough; what it said first."""
        for at in range(len(data)):
            await self.loop.sock_sendall(one, data[at:at + 1])
            heard = asyncio.ensure_future(self.loop.sock_recv(one, 1))
            done, _ = await asyncio.wait({heard}, timeout=1)
            if done:
                return heard.result()
            heard.cancel()
        return b""

    def refusals(self) -> collections.Counter:
        """How the place ended connections: (kind, status and reason), or "closed" without a word."""
        found = collections.Counter()
        for kind, said in list(self.ends):
            status = re.search(rb"HTTP/1\.1 (\d+)", said)
            reason = re.search(rb'"reason":\s*"([^"]+)"', said)
            found[kind, f"{status[1].decode()} {reason[1].decode() if reason else ''}".strip() if status else "closed"] += 1
        return found

    def stop(self) -> None:
        super().stop()
        for one in self.open:
            one.close()


class TricklingServers(Loop):
    """`count` content servers at addresses of their own, which send a head at once and then little."""

    def __init__(self, count: int, bytes_per_s: int = 200, size: int = 50_000_000):
        super().__init__()
        self.rate, self.size, self.asked = bytes_per_s, size, 0
        self.call(self._listen(count))

    async def _listen(self, count: int) -> None:
        self.servers = [await asyncio.start_server(self._answer, f"127.8.{number // 250}.{number % 250 + 1}", 0) for number in range(count)]
        self.urls = ["http://{}:{}/slow-{}.bin".format(*server.sockets[0].getsockname(), number) for number, server in enumerate(self.servers)]

    async def _answer(self, reader, writer) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {self.size}\r\n\r\n".encode())
            while True:
                writer.write(b"x" * self.rate)
                await writer.drain()
                await asyncio.sleep(1)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def send(place, token: str, urls: list[str]) -> list[str]:
    """Requests for these addresses in one call; the ids of their downloads."""
    jkt, now = json.loads(place.get("/.well-known/restante")[2])["jkt"], int(time.time())
    lines = [json.dumps({"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": jkt}], "iat": now, "exp": now + 86400, "probe": False,
                         "what": {"files": [{"sources": [{"url": url}]}]}}) for url in urls]
    status, _, answer = place.get("/v1/proxies", token, "POST", "\n".join(lines).encode(), {"Content-Type": "application/jsonl"})
    assert status == 200, answer[:300]
    return [json.loads(line)["job"]["id"] for line in answer.splitlines()]
