#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A content server that misbehaves on demand: every row of the catalogue of bad answers is a path, with its right twin.

Listens on free loopback ports (two plain origins, one with TLS by a throw-away authority made with openssl), prints one
line of JSON with the ports and the authority's file, and ends when its standard input is closed. `/_requests` tells
what was asked since `/_clear`, header by header. ROUTES at the end is the list of paths.
"""
import base64
import collections
import email.utils
import functools
import gzip
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from http2 import Http2Server

SIZE = 100_000
ETAG = '"v1"'
MODIFIED = "Mon, 01 Jun 2026 10:00:00 GMT"
LONG = 3_000_000


def content(size: int) -> bytes:
    """Bytes in which every position differs from its neighbours and from the same position of other pieces."""
    return bytes((i * 7 + (i >> 8) * 13) & 0xFF for i in range(size))


DATA = content(SIZE)
LONG_DATA = content(LONG)


class Request:
    def __init__(self, scheme: str, port: int, text: bytes):
        lines = text.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.scheme, self.port = scheme, port
        self.headers = [line.split(": ", 1) if ": " in line else [line.rstrip(":"), ""] for line in lines[1:] if line]
        parts = urllib.parse.urlsplit(self.target)
        self.path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query))

    def get(self, name: str) -> str | None:
        return next((v for n, v in self.headers if n.lower() == name), None)

    def start(self) -> int:
        """First byte of a Range "bytes=N-", else 0."""
        value = self.get("range")
        return int(value.removeprefix("bytes=").split("-")[0]) if value else 0


class Peer:
    """One connection; `send` writes raw bytes."""

    def __init__(self, server: "Server", raw: socket.socket, stream, scheme: str, port: int):
        self.server, self.raw, self.stream, self.scheme, self.port = server, raw, stream, scheme, port
        self.keep, self.heard = True, 0

    def send(self, data: bytes | str) -> None:
        self.stream.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def head(self, status: str, *fields: str, body: bytes | None = None) -> None:
        lines = [f"HTTP/1.1 {status}", "Date: " + email.utils.formatdate(usegmt=True), *fields]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))

    def close(self) -> None:
        self.keep = False

    def reset(self) -> None:
        """RST instead of FIN."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut()

    def cut(self) -> None:
        """Closes the TCP stream below TLS: no close_notify."""
        self.keep = False
        os.close(self.raw.detach() if self.stream is self.raw else self.stream.detach())

    def wait_for_end(self) -> None:
        """Says nothing until the other side goes away."""
        self.keep = False
        try:
            self.stream.recv(1)
        except OSError:
            pass


FILE_FIELDS = ("Content-Type: application/octet-stream", f"ETag: {ETAG}", f"Last-Modified: {MODIFIED}", "Accept-Ranges: bytes")


def good(peer: Peer, request: Request, data: bytes = DATA, *extra: str) -> None:
    """As a server should: ranges, If-Range."""
    start = request.start()
    if_range = request.get("if-range")
    if start and start >= len(data):
        peer.head("416 Range Not Satisfiable", f"Content-Range: bytes */{len(data)}", f"ETag: {ETAG}", body=b"")
    elif start and if_range in (None, ETAG, MODIFIED):
        peer.head("206 Partial Content", f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}", *FILE_FIELDS, *extra, body=data[start:])
    else:
        peer.head("200 OK", *FILE_FIELDS, *extra, body=data)


def chunked(data: bytes, size: int = 30_000) -> bytes:
    return b"".join(b"%x\r\n" % len(data[i : i + size]) + data[i : i + size] + b"\r\n" for i in range(0, len(data), size))


def part(peer: Peer, first: int, last: int, total: str | int = SIZE, etag: str = ETAG, data: bytes | None = None) -> None:
    peer.head("206 Partial Content", f"Content-Range: bytes {first}-{last}/{total}", f"ETag: {etag}", body=DATA[first : last + 1] if data is None else data)


def m1(peer, request):
    if request.start():
        return good(peer, request)
    peer.head("200 OK", *FILE_FIELDS, f"Content-Length: {SIZE}")
    peer.send(DATA[: SIZE // 2])
    peer.close()


def m1_head(peer, request):
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
    peer.close()


def m2(peer, request):
    peer.head("200 OK", f"Content-Length: {SIZE}")
    peer.send(DATA + b"and more of it")
    peer.wait_for_end()


def m2_small(peer, request):
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + DATA[:10] + b"more")
    peer.wait_for_end()


def m2_long(peer, request):
    peer.head("200 OK", f"Content-Length: {LONG}")
    peer.send(LONG_DATA + content(50_000))
    peer.wait_for_end()


def m5(peer, request):
    peer.head("200 OK", "Content-Length: 17", "Transfer-Encoding: chunked")
    peer.send(chunked(DATA) + b"0\r\n\r\n")
    peer.wait_for_end()


def chunked_file(peer, request, data: bytes = DATA, end: bytes = b"0\r\n\r\n"):
    peer.head("200 OK", "Transfer-Encoding: chunked")
    peer.send((chunked(data) if data else b"") + end)


def m6(peer, request):
    chunked_file(peer, request, end=b"")
    peer.close()


def m7(size: bytes):
    def answer(peer, request):
        peer.head("200 OK", "Transfer-Encoding: chunked")
        peer.send(chunked(DATA[:1000]) + size + b"\r\nxx\r\n0\r\n\r\n")
        peer.close()

    return answer


def m8(peer, request):
    peer.head("200 OK", "Connection: close")
    peer.send(DATA)
    peer.close()


def m9(peer, request):
    peer.head("200 OK", "Connection: close")
    peer.send(DATA)
    peer.cut()


def m10(peer, request):
    if request.start():
        return good(peer, request)
    peer.head("200 OK", *FILE_FIELDS, f"Content-Length: {SIZE}")
    peer.send(DATA[: SIZE // 2])
    peer.stream.recv(1) if request.query.get("wait") else None
    time.sleep(0.2)  # a reset throws away what the other side has not read yet
    peer.reset()


def m11(peer, request):
    start = request.start()
    part(peer, start, SIZE - 1 if start else SIZE // 2 - 1)


def m11_middle(peer, request):
    part(peer, 10, SIZE - 1)


def m15(step: int):
    def answer(peer, request):
        start = request.start()
        if not start:
            return good(peer, request)
        part(peer, start, min(start + step, SIZE) - 1)

    return answer


def m15_forever(peer, request):
    start = request.start()
    part(peer, start, min(start + 99, SIZE - 1))


def m17(peer, request):
    body = b"--X\r\nContent-Range: bytes 50000-99999/100000\r\n\r\n" + DATA[50000:] + b"\r\n--X--\r\n"
    peer.head("206 Partial Content", "Content-Type: multipart/byteranges; boundary=X", body=body)


def m22(peer, request):
    """Another machine of the same mirror: /m22?etag=...&date=...; it knows its own entity tag only."""
    start, etag, date = request.start(), f'"{request.query["etag"]}"', request.query.get("date", MODIFIED)
    fields = [f"ETag: {etag}", f"Last-Modified: {date}"]
    if start and request.get("if-range") in (None, etag):
        peer.head("206 Partial Content", f"Content-Range: bytes {start}-{SIZE - 1}/{SIZE}", *fields, body=DATA[start:])
    else:
        peer.head("200 OK", *fields, body=DATA)


def m26_once(peer, request):
    if request.get("cache-control") == "no-cache":
        return good(peer, request)
    peer.head("304 Not Modified", f"ETag: {ETAG}")


def redirect(status: str, location: str):
    return lambda peer, request: peer.head(status, *([f"Location: {location}"] if location else []), body=b"elsewhere")


def redirect_to(peer, request):
    """/redirect?code=302&to=URL; `origin` instead of a host: other, https, http."""
    server = peer.server
    to = request.query["to"]
    for name, url in (("OTHER", server.other), ("HTTPS", server.https), ("HTTP", server.http)):
        to = to.replace(name, url)
    peer.head(request.query.get("code", "302") + " Elsewhere", f"Location: {to}", body=b"elsewhere")


def again(peer, request):
    """/again?first=PATH&range=PATH: the first request (since /_clear) gets the answer of one path, a Range that of the other; else good."""
    with peer.server.lock:
        asked = sum(seen["path"] == request.target for seen in peer.server.requests)
    row = request.query.get("range") if request.start() else request.query.get("first") if asked == 1 else None
    if row is None:
        return good(peer, request)
    request.path, _, query = row.partition("?")
    request.query = dict(urllib.parse.parse_qsl(query))
    route_of(request.path)(peer, request)


def m32_chain(peer, request):
    left = int(request.query.get("n", "0"))
    if left == 0:
        return good(peer, request)
    peer.head("302 Found", f"Location: /m32-chain?n={left - 1}", body=b"")


def auth(peer, request):
    if request.get("authorization") in ("Basic dXNlcjpwYXNz", "Bearer t0ken"):
        return good(peer, request)
    peer.head("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"', body=b"who are you")


def status(peer, request):
    code = request.path.rsplit("/", 1)[1]
    fields = [f"Retry-After: {request.query['after']}"] if "after" in request.query else []
    if "date" in request.query:
        fields = ["Retry-After: " + email.utils.formatdate(time.time() + int(request.query["date"]), usegmt=True)]
    peer.head(f"{code} Words", *fields, body=b"an error page, not the content")


def m43(peer, request):
    peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 5 + b"HTTP/1.1 102 Processing\r\n\r\n")
    good(peer, request)


def flood(piece: bytes, start: bytes = b""):
    def answer(peer, request):
        peer.close()
        peer.send(start)
        for i in range(1_000_000):
            peer.send(piece % i if b"%d" in piece else piece)

    return answer


def raw(data: bytes):
    def answer(peer, request):
        peer.send(data)
        peer.close()

    return answer


def m47(peer, request):
    peer.head("200 OK", "Transfer-Encoding: chunked", "Trailer: ETag", f"ETag: {ETAG}")
    peer.send(chunked(DATA) + b'0\r\nETag: "other"\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/5\r\n\r\n')


def m49(peer, request):
    if request.start():
        return good(peer, request)
    peer.head("200 OK", *FILE_FIELDS, f"Content-Length: {SIZE}")
    peer.send(DATA[: SIZE // 2])
    peer.wait_for_end()


def m51(peer, request):
    """Whatever comes second over a connection meets its end."""
    if peer.heard > 1:
        return peer.close()
    good(peer, request)


def trickle(peer, request):
    peer.head("200 OK", f"Content-Length: {len(DATA[:20])}")
    for i in range(20):
        peer.send(DATA[i : i + 1])
        time.sleep(0.1)


def named(peer, request):
    """/named?d=<Content-Disposition>"""
    peer.head("200 OK", "Content-Disposition: " + request.query["d"].encode("utf-8").decode("latin-1"), body=DATA)


def big(peer, request):
    """/big?bytes=N: N bytes from one block."""
    size = int(request.query["bytes"])
    peer.head("200 OK", f"Content-Length: {size}")
    block = LONG_DATA[: 1 << 20]
    while size > 0:
        peer.send(block[:size])
        size -= len(block)


def paced(peer, request):
    """/paced?mib=N&rate=BYTES_A_SECOND of each connection. `second`: what another gets meanwhile: a status, reset, whole, changed, cut, stall. `flip`: other bytes. `dies`: after so many bytes, for good."""
    size, rate = int(request.query["mib"]) << 20, float(request.query["rate"])
    second, etag, key = request.query.get("second"), ETAG, request.target
    block = content(1 << 20)
    if request.query.get("flip"):
        block = bytes(byte ^ 0xFF for byte in block)
    first, last, status = 0, size - 1, "200 OK"
    if request.get("range") and request.get("if-range") in (None, etag):
        begin, _, end = request.get("range").removeprefix("bytes=").partition("-")
        first, last, status = int(begin), int(end or size - 1), "206 Partial Content"
    with peer.server.lock:
        peer.server.paced[key] += 1
        others = peer.server.paced[key] > 1
    try:
        if peer.server.paced["dead " + key]:
            return peer.reset()
        if others and second and second.isdigit():
            return peer.head(f"{second} No", body=b"no")
        if others and second == "reset":
            return peer.reset()
        if others and second == "whole":
            first, last, status = 0, size - 1, "200 OK"
        if others and second == "changed":
            etag, block = '"v2"', block[::-1]
        fields = [f"Content-Range: bytes {first}-{last}/{size}"] if status.startswith("206") else []
        peer.head(status, f"ETag: {etag}", "Accept-Ranges: bytes", f"Content-Length: {last + 1 - first}", *fields)
        begun = time.monotonic()
        sent, end = first, last + 1
        while sent < end:
            step = min(16384, end - sent, (1 << 20) - sent % (1 << 20))
            peer.send(block[sent % (1 << 20) : sent % (1 << 20) + step])
            sent += step
            if others and second in ("cut", "stall") and sent - first > 200_000:
                return peer.reset() if second == "cut" else peer.wait_for_end()
            if sent > int(request.query.get("dies", size)):
                peer.server.paced["dead " + key] = 1
                return peer.reset()
            ahead = begun + (sent - first) / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
    finally:
        with peer.server.lock:
            peer.server.paced[key] -= 1


def files(**fields):
    return lambda peer, request: peer.head("200 OK", *fields["head"], body=fields["body"])


ROUTES = {
    "/ok": good,
    "/long": lambda p, r: good(p, r, LONG_DATA),
    "/m1": m1,
    "/m1-head": m1_head,
    "/m2": m2, "/m2-small": m2_small, "/m2-long": m2_long,
    "/m3": files(head=[f"Content-Length: {SIZE + 7}"], body=DATA), "/m3-same": files(head=[f"Content-Length: {SIZE}"], body=DATA),
    "/m4-negative": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"),
    "/m4-words": raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello"),
    "/m4-overflow": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1%s\r\n\r\nhello" % (b"0" * 40)),
    "/m4-large": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900000000000\r\n\r\nhello"),
    "/m5": m5,
    "/m6": m6, "/chunked": chunked_file,
    "/m7": m7(b"zz"), "/m7-overflow": m7(b"f" * 40),
    "/m8": m8, "/m9": m9, "/m10": m10,
    "/m11": m11, "/m11-middle": m11_middle,
    "/m12": files(head=FILE_FIELDS, body=DATA),
    "/m13": lambda p, r: part(p, 5, SIZE - 1),
    "/m14": lambda p, r: part(p, r.start(), SIZE, SIZE + 1, data=DATA[r.start():] + b"x"),
    "/m15": m15(10_000), "/m15-forever": m15_forever,
    "/m16": lambda p, r: p.head("206 Partial Content", f"ETag: {ETAG}", body=DATA[r.start():]), "/m17": m17,
    "/m18": lambda p, r: part(p, r.start(), SIZE - 1, data=(b"?" if r.query.get("all") else DATA[r.start():][:1] + b"?") + DATA[r.start() + (1 if r.query.get("all") else 2):]),
    "/m22": m22, "/weak": lambda p, r: part(p, r.start(), SIZE - 1, etag='W/"v1"') if r.start() else good(p, r),
    "/m19": lambda p, r: p.head("200 OK", 'ETag: "v2"', body=DATA[::-1]),
    "/m20": lambda p, r: part(p, r.start(), SIZE - 1, etag='"v2"'),
    "/m24": lambda p, r: p.head("416 Range Not Satisfiable", "Content-Range: bytes */10", f"ETag: {ETAG}", body=b""),
    "/m23-other": lambda p, r: p.head("416 Range Not Satisfiable", f"Content-Range: bytes */{SIZE}", 'ETag: "v2"', body=b""),
    "/m25": lambda p, r: p.head("412 Precondition Failed", body=b"no"),
    "/m26": lambda p, r: p.head("304 Not Modified", f"ETag: {ETAG}"), "/m26-once": m26_once,
    "/m27-204": lambda p, r: p.head("204 No Content"), "/m27-205": lambda p, r: p.head("205 Reset Content", body=b""),
    "/m27-empty": lambda p, r: p.head("200 OK", body=b""), "/m27-chunked": lambda p, r: chunked_file(p, r, b""),
    "/m28": files(head=["Content-Type: text/plain", "Content-Encoding: gzip"], body=gzip.compress(DATA, mtime=0)),
    "/m28.tar.gz": files(head=["Content-Type: application/x-tar", "Content-Encoding: gzip"], body=DATA),
    "/m28-identity": files(head=["Content-Encoding: identity"], body=DATA),
    "/m32-loop": redirect("302 Found", "/m32-loop"), "/m32-two": redirect("302 Found", "/m32-back"), "/m32-back": redirect("302 Found", "/m32-two"),
    "/m32-chain": m32_chain, "/redirect": redirect_to,
    "/m35-ftp": redirect("302 Found", "ftp://127.0.0.1/x"), "/m35-file": redirect("302 Found", "file:///etc/passwd"),
    "/m35-data": redirect("302 Found", "data:text/plain,hello"), "/m36": redirect("302 Found", ""),
    "/relative": redirect("301 Moved", "../x/../ok"), "/again": again,
    "/auth": auth, "/deep/auth": auth, "/status": status,
    "/m43": m43, "/m43-flood": flood(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "/m44-size": flood(b"X-Long: " + b"y" * 4000 + b"\r\n", b"HTTP/1.1 200 OK\r\n"), "/m44-count": flood(b"X-%d: y\r\n", b"HTTP/1.1 200 OK\r\n"),
    "/m45-nul": raw(b"HTTP/1.1 200 OK\r\nX-Bad: a\0b\r\nContent-Length: 5\r\n\r\nhello"),
    "/m45-cr": raw(b"HTTP/1.1 200 OK\r\nX-Bad: a\rContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello"),
    "/m45-fold": raw(b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nContent-Length: 5\r\n\r\nhello"),
    "/m46-old": raw(b"hello, this is HTTP/0.9"), "/m46-garbage": raw(b"HTTP/1.1 abc OK\r\n\r\nhello"), "/m46-nothing": raw(b""),
    "/m47": m47, "/m49": m49, "/m50": lambda p, r: p.wait_for_end(), "/m51": m51, "/trickle": trickle, "/named": named, "/big": big,
    "/paced": paced,
    "/page": files(head=["Content-Type: text/html; charset=utf-8"], body=b"<html>sign in</html>"),
    "/page.html": files(head=["Content-Type: text/html"], body=b"<html>wanted</html>"),
}


def signed(peer, request):
    """/signed.bin leads to a link that is good for one request; /link.bin is such a link."""
    with peer.server.lock:
        peer.server.links += 1
        number = peer.server.links
    peer.head("302 Found", f"Location: /link.bin?number={number}", body=b"")


def link(peer, request):
    with peer.server.lock:
        asked = sum(seen["path"] == request.target for seen in peer.server.requests)
    if asked > 1:
        return peer.head("403 Forbidden", "Content-Type: application/xml", body=b"<Error><Code>AccessDenied</Code></Error>")
    start = request.start()
    part(peer, start, min(start + 39_999, SIZE - 1))


def one_shot(peer, request):
    with peer.server.lock:
        asked = sum(seen["path"] == request.target for seen in peer.server.requests)
    if asked > 1:
        return peer.head("410 Gone", body=b"only once")
    m1(peer, request) if "cut" in request.query else good(peer, request)


def dynamic(peer, request):
    """Other bytes at each request, and no validator; the first answer is cut."""
    with peer.server.lock:
        asked = sum(seen["path"] == request.target for seen in peer.server.requests)
    data = DATA if asked > 1 else DATA[::-1]
    peer.head("200 OK", f"Content-Length: {SIZE}")
    peer.send(data if asked > 1 else data[: SIZE // 2])
    peer.close()


def wrong_clock(peer, request):
    """As good, from a server whose clock is ten years ahead or behind."""
    off = int(request.query["years"]) * 365 * 86400
    now = time.time() + off
    lines = [f"Date: {email.utils.formatdate(now, usegmt=True)}", f"Last-Modified: {email.utils.formatdate(now // 86400 * 86400 - 7200, usegmt=True)}"]
    start = request.start()
    if not start:
        peer.send("HTTP/1.1 200 OK\r\n" + "\r\n".join(lines) + f"\r\nContent-Length: {SIZE}\r\n\r\n")
        peer.send(DATA[: SIZE // 2])
        return peer.close()
    lines += [f"Content-Range: bytes {start}-{SIZE - 1}/{SIZE}", f"Content-Length: {SIZE - start}"]
    peer.send(("HTTP/1.1 206 P\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode() + DATA[start:])


def digest(data: bytes) -> str:
    return "sha-256=:" + base64.b64encode(hashlib.sha256(data).digest()).decode() + ":"


@functools.cache
def bomb() -> bytes:
    return gzip.compress(bytes(120_000_000), mtime=0)


def trailer(data: bytes):
    def answer(peer, request):
        peer.head("200 OK", "Transfer-Encoding: chunked", "Trailer: Repr-Digest")
        peer.send(chunked(DATA) + b"0\r\nRepr-Digest: " + digest(data).encode() + b"\r\n\r\n")

    return answer


HTML = "Content-Type: text/html; charset=utf-8"
HELLO = b"<!DOCTYPE html><title>Hello</title><p>Welcome to the network."
SIGN_IN = b"<html><form action=/go><input name=user><input type='password' name=word></form></html>"
PACKED = gzip.compress(DATA, mtime=0)
ROUTES |= {
    "/m28-br": files(head=["Content-Encoding: br"], body=PACKED), "/m30": files(head=["Content-Encoding: gzip"], body=PACKED[:-8]),
    "/m30-sum": files(head=["Content-Encoding: gzip"], body=PACKED[:-8] + bytes(8)),
    "/m31": lambda p, r: p.head("200 OK", "Content-Encoding: gzip", body=bomb()),
    "/m52.bin": files(head=[HTML], body=HELLO), "/m52-untyped.bin": files(head=[], body=HELLO), "/m52-typed.bin": files(head=["Content-Type: application/zip"], body=HELLO),
    "/m52-form": files(head=[HTML], body=SIGN_IN), "/m52-away.bin": lambda p, r: p.head("302 Found", f"Location: {p.server.other}/portal", body=b""),
    "/portal": files(head=[HTML], body=SIGN_IN), "/login": files(head=[HTML], body=SIGN_IN),
    "/m53.iso": files(head=[HTML], body=b"<html><h1>404 Not Found</h1></html>"),
    "/m54.bin": redirect("302 Found", "/login?next=m54.bin"), "/m54-form.bin": files(head=[HTML], body=SIGN_IN),
    "/page.bin": files(head=[HTML], body=HELLO), "/hello": files(head=[HTML], body=HELLO), "/hello.html": files(head=[HTML], body=HELLO),
    "/saved.bin": files(head=[HTML, "Content-Disposition: attachment"], body=HELLO),
    "/typed.bin": files(head=[HTML], body=DATA), "/again.bin": again, "/signed.bin": signed, "/link.bin": link, "/once": one_shot, "/m64": dynamic, "/m69": wrong_clock,
    "/m47-digest": trailer(DATA[::-1]), "/m47-right": trailer(DATA),
    "/m70": files(head=["Repr-Digest: " + digest(DATA[::-1])], body=DATA), "/m70-right": files(head=["Repr-Digest: " + digest(DATA)], body=DATA),
    "/identity": files(head=["Transfer-Encoding: identity"], body=DATA), "/odd": raw(b"HTTP/1.0 200\ncontent-length:5, 5\nX-Odd : y\n\nhello"),
}


def route_of(path: str):
    return ROUTES.get(path) or (status if path.startswith("/status/") else None)


def make_authority(folder: str) -> tuple[str, str, str]:
    """A root and a certificate for localhost and 127.0.0.1; (root, certificate, key)."""
    def run(*args: str) -> None:
        subprocess.run(["openssl", *args], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Throw-away test root")
    run("req", *curve[:-2], "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
    with open(os.path.join(folder, "ext"), "w", encoding="ascii") as out:
        out.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "leaf.pem")
    return tuple(os.path.join(folder, name) for name in ("ca.pem", "leaf.pem", "leaf.key"))


class Server:
    def __init__(self, folder: str):
        self.ca, certificate, key = make_authority(folder)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        if "--tls12" in sys.argv:
            self.tls.maximum_version = ssl.TLSVersion.TLSv1_2
        self.requests: list[dict] = []
        self.connections = 0
        self.links = 0
        self.paced: collections.Counter[str] = collections.Counter()  # by query: under way
        self.lock = threading.Lock()
        ports = [self.listen(scheme) for scheme in ("http", "http", "https")]
        self.http2 = Http2Server(certificate, key, DATA, ETAG, self.serve_tls, self.note_http2)
        self.http, self.other, self.https = f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", f"https://localhost:{ports[2]}"

    def listen(self, scheme: str) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                raw_socket, _ = listener.accept()
                threading.Thread(target=self.serve, args=(raw_socket, scheme, port), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return port

    def serve(self, raw_socket: socket.socket, scheme: str, port: int) -> None:
        try:
            raw_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # OpenSSL's own end of a stream cut below it is an error; here it is only the end of a connection.
            stream = self.tls.wrap_socket(raw_socket, server_side=True, suppress_ragged_eofs=True) if scheme == "https" else raw_socket
            self.serve_stream(stream, scheme, port)
        except (OSError, ValueError):
            raw_socket.close()

    def serve_tls(self, stream: ssl.SSLSocket, port: int) -> None:
        self.serve_stream(stream, "https", port)

    def serve_stream(self, stream, scheme: str, port: int) -> None:
        with self.lock:
            self.connections += 1
        peer = Peer(self, stream, stream, scheme, port)
        while peer.keep and (text := self.read_head(peer)):
            peer.heard += 1
            self.answer(peer, Request(scheme, port, text))
        if scheme == "https":
            stream.unwrap()
        stream.shutdown(socket.SHUT_RDWR)
        stream.close()

    def note_http2(self, one) -> None:
        headers = [(name, value) for name, value in one.headers.items() if not name.startswith(":")]
        with self.lock:
            self.requests.append({"scheme": "h2", "port": 0, "method": one.headers[":method"], "path": one.path, "headers": headers})

    @staticmethod
    def read_head(peer: Peer) -> bytes:
        text = b""
        while b"\r\n\r\n" not in text:
            if not (piece := peer.stream.recv(65536)):
                return b""
            text += piece
        head, _, body = text.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]) and (piece := peer.stream.recv(65536)):
                    body += piece
        return head

    def answer(self, peer: Peer, request: Request) -> None:
        if request.path == "/_requests":
            with self.lock:
                return peer.head("200 OK", body=json.dumps({"requests": self.requests, "connections": self.connections}).encode())
        if request.path == "/_clear":
            with self.lock:
                self.requests.clear()
                self.connections = 0
            return peer.head("200 OK", body=b"ok")
        with self.lock:
            self.requests.append({"scheme": request.scheme, "port": request.port, "method": request.method, "path": request.target, "headers": request.headers})
        if route := route_of(request.path):
            route(peer, request)
        else:
            peer.head("404 Not Found", body=b"no such path")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="restante-content-") as folder:
        server = Server(folder)
        print(json.dumps({"http": server.http, "other": server.other, "https": server.https, "http2": server.http2.only, "both": server.http2.both, "ca": server.ca, "size": SIZE}), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
