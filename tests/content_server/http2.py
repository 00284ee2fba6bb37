# SPDX-License-Identifier: Apache-2.0
"""The HTTP/2 side of the content server that misbehaves: rows M68, each a path, with right twins (python3-h2).

One origin speaks HTTP/2 alone: TLS ends with an alert for whoever does not offer it (RFC 7301 §3.2). The other one also speaks
HTTP/1.1 and hands such connections back.
"""
import base64
import hashlib
import socket
import ssl
import struct
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, HTTP_1_1_REQUIRED = 0x0, 0x1, 0x7, 0xD  # RFC 9113 §7


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113 §4.1."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Stream:
    """One request and how it is answered."""

    def __init__(self, connection: "Connection", number: int, headers: dict[str, str]):
        self.connection, self.number, self.headers = connection, number, headers
        self.path = headers[":path"]

    def head(self, *fields: tuple[str, str], status: str = "200", end: bool = False) -> None:
        self.connection.h2.send_headers(self.number, [(":status", status), *fields], end_stream=end)
        self.connection.flush()

    def data(self, data: bytes, end: bool = False) -> None:
        protocol = self.connection.h2
        while data:
            room = min(protocol.local_flow_control_window(self.number), protocol.max_outbound_frame_size, len(data))
            if room == 0:
                self.connection.read()
                continue
            protocol.send_data(self.number, data[:room], end_stream=end and room == len(data))
            data = data[room:]
            self.connection.flush()

    def reset(self, code: int) -> None:
        self.connection.raw(frame(3, 0, self.number, struct.pack(">I", code)))

    def go_away(self, last: int, code: int = NO_ERROR) -> None:
        self.connection.raw(frame(7, 0, 0, struct.pack(">II", last, code)))


class Connection:
    def __init__(self, server: "Http2Server", stream: ssl.SSLSocket):
        self.server, self.stream = server, stream
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
                                                                       normalize_outbound_headers=False))
        self.waiting: list[Stream] = []

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.stream.sendall(data)

    def raw(self, data: bytes) -> None:
        self.flush()
        self.stream.sendall(data)

    def read(self) -> None:
        if not (data := self.stream.recv(65536)):
            raise ConnectionError
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self.waiting.append(Stream(self, event.stream_id, dict(event.headers)))
        self.flush()

    def run(self) -> None:
        self.h2.initiate_connection()
        self.flush()
        while True:
            while not self.waiting:
                self.read()
            one = self.waiting.pop(0)
            self.server.note(one)
            self.server.routes.get(one.path, missing)(one)


def missing(one: Stream) -> None:
    one.head(("content-length", "0"), status="404", end=True)


class Http2Server:
    """`plain`: serves a connection that agreed on HTTP/1.1; `note`: hears of each request."""

    def __init__(self, certificate: str, key: str, data: bytes, etag: str, plain, note):
        self.plain, self.note, self.data, self.etag = plain, note, data, etag
        self.tried: set[str] = set()
        self.routes = {"/good": self.good, "/no-length": self.no_length, "/trailers": self.trailers(data), "/trailers-wrong": self.trailers(b"other"),
                       "/early-reset": self.early_reset(False), "/early-reset-length": self.early_reset(True), "/refused": self.refused,
                       "/goaway": self.goaway, "/goaway-graceful": self.goaway_graceful, "/http11": lambda one: one.reset(HTTP_1_1_REQUIRED),
                       "/push": self.push, "/continuation": self.continuation, "/pings": self.pings, "/many-headers": self.many_headers,
                       "/longer": self.wrong_length(-100), "/shorter": self.wrong_length(100), "/connection-field": self.connection_field,
                       "/stall": self.stall, "/first-only": self.first_only, "/not-found": missing, "/empty": self.empty, "/interim": self.interim}
        self.only = self.listen(certificate, key, ["h2"])
        self.both = self.listen(certificate, key, ["h2", "http/1.1"])

    def listen(self, certificate: str, key: str, protocols: list[str]) -> str:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        tls.set_alpn_protocols(protocols)
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = listener.getsockname()[1]

        def accept() -> None:
            while True:
                raw, _ = listener.accept()
                threading.Thread(target=self.serve, args=(raw, tls, port, protocols), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"https://localhost:{port}"

    def serve(self, raw: socket.socket, tls: ssl.SSLContext, port: int, protocols: list[str]) -> None:
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self.offers_one_of(raw, protocols):
                raw.sendall(bytes([21, 3, 3, 0, 2, 2, 120]))  # fatal alert: no_application_protocol
                raw.shutdown(socket.SHUT_WR)
                raw.recv(65536)
                return raw.close()
            stream = tls.wrap_socket(raw, server_side=True)
            if stream.selected_alpn_protocol() == "h2":
                Connection(self, stream).run()
            else:
                self.plain(stream, port)
        except (OSError, ValueError, h2.exceptions.ProtocolError):
            pass
        finally:
            raw.close()

    @staticmethod
    def offers_one_of(raw: socket.socket, protocols: list[str]) -> bool:
        """Python's TLS goes on without an agreed protocol, so the ClientHello is looked at beforehand."""
        while len(hello := raw.recv(65536, socket.MSG_PEEK)) < 5 or len(hello) < 5 + struct.unpack(">H", hello[3:5])[0]:
            if not hello:
                return False
        return any(bytes([len(name)]) + name.encode() in hello for name in protocols)

    def fields(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        return [("content-type", "application/octet-stream"), ("etag", self.etag), ("accept-ranges", "bytes"), *more]

    def good(self, one: Stream) -> None:
        first = 0
        if asked := one.headers.get("range"):
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            one.head(*self.fields(("content-range", f"bytes {first}-{len(self.data) - 1}/{len(self.data)}"),
                                  ("content-length", str(len(self.data) - first))), status="206")
        else:
            one.head(*self.fields(("content-length", str(len(self.data)))))
        one.data(self.data[first:], end=True)

    def no_length(self, one: Stream) -> None:
        one.head(*self.fields())
        one.data(self.data, end=True)

    def trailers(self, digested: bytes):
        def answer(one: Stream) -> None:
            one.head(*self.fields(("trailer", "repr-digest")))
            one.data(self.data)
            digest = base64.b64encode(hashlib.sha256(digested).digest()).decode()
            one.connection.h2.send_headers(one.number, [("repr-digest", f"sha-256=:{digest}:")], end_stream=True)
            one.connection.flush()
        return answer

    def early_reset(self, with_length: bool):
        def answer(one: Stream) -> None:
            one.head(*self.fields(*([("content-length", str(len(self.data)))] if with_length else [])))
            one.data(self.data[:len(self.data) // 2])
            one.reset(NO_ERROR)
        return answer

    def refused(self, one: Stream) -> None:
        if one.path not in self.tried:
            self.tried.add(one.path)
            return one.reset(REFUSED_STREAM)
        self.good(one)

    def goaway(self, one: Stream) -> None:
        if "range" in one.headers:
            return self.good(one)
        one.head(*self.fields(("content-length", str(len(self.data)))))
        one.data(self.data[:len(self.data) // 2])
        one.go_away(0, PROTOCOL_ERROR)
        raise ConnectionError

    def goaway_graceful(self, one: Stream) -> None:
        one.head(*self.fields(("content-length", str(len(self.data)))))
        one.data(self.data[:1000])
        one.go_away(one.number)
        one.data(self.data[1000:], end=True)

    def push(self, one: Stream) -> None:
        one.head(*self.fields(("content-length", str(len(self.data)))))
        for number in range(2, 2000, 2):  # :method GET, :path /, :scheme https from the static table
            one.connection.raw(frame(5, 4, one.number, struct.pack(">I", number) + b"\x82\x84\x87"))
        one.data(self.data, end=True)

    def continuation(self, one: Stream) -> None:
        one.connection.raw(frame(1, 0, one.number, b"\x88"))
        while True:
            one.connection.raw(frame(9, 0, one.number, b"\x00\x01x\x7f\x81\x7f" + b"y" * 256) * 64)

    def pings(self, one: Stream) -> None:
        while True:
            one.connection.raw(frame(6, 0, 0, b"12345678") * 1000)

    def many_headers(self, one: Stream) -> None:
        one.head(*self.fields(*[(f"x-{number}", "y" * 1000) for number in range(400)]))
        one.data(self.data, end=True)

    def wrong_length(self, more: int):
        def answer(one: Stream) -> None:
            one.head(*self.fields(("content-length", str(len(self.data) + more))))
            one.data(self.data, end=True)
        return answer

    def connection_field(self, one: Stream) -> None:
        one.head(*self.fields(("transfer-encoding", "chunked")))
        one.data(b"5\r\nhello\r\n0\r\n\r\n", end=True)

    def stall(self, one: Stream) -> None:
        one.head(*self.fields(("content-length", str(len(self.data)))))
        one.data(self.data[:1000])
        time.sleep(60)

    def first_only(self, one: Stream) -> None:
        if one.number > 1:
            raise ConnectionError
        self.good(one)

    def empty(self, one: Stream) -> None:
        one.head(*self.fields(), end=True)

    def interim(self, one: Stream) -> None:
        for _ in range(3):
            one.connection.h2.send_headers(one.number, [(":status", "103"), ("link", "</a>; rel=preload")])
        self.good(one)
