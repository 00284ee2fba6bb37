# SPDX-License-Identifier: Apache-2.0
"""Names that want out of their folder, a content server that gives them, and a place that hands them on."""
import http.client
import http.server
import json
import random
import socket
import threading
import urllib.parse

PREFIXES = ["../", "..\\", "..//", "./../", ".../", "....//", "..;/", "..\\/", "/", "//", "\\", "\\\\host\\share\\", "C:\\", "C:/", "C:", "~/",
            "%2e%2e/", "..%2f", "%2e%2e%2f", "%2E%2E%5C", "%252e%252e%252f", "..%252f", "..%5c", "%c0%ae%c0%ae/", "..%c0%af",
            "%e0%80%ae%e0%80%ae%e0%80%af", "..%00/", "\u2025/", "\uff0e\uff0e\uff0f", "..\u2215", "..\u2044", "..\uff3c", "file:///", "..%0d%0a/",
            "a/../../", "a\\..\\..\\", ".\u200b./", "\u202e/..", "|", "$(pwd)/../", ".. /", "../ "]
TARGETS = ["{t}", "etc/{t}", "tmp/{t}.txt", "areas/bob/{t}", "bob/{t}", "incoming/{t}", "keys/{t}", ".ssh/{t}", "restante.db/{t}"]
ENDS = ["", "", "", "%00.txt", "/..", "/.", "/", "\\", ".", " ", "\u2028", "::$DATA"]


def names(count: int, token: str, seed: int = 20261122) -> list[str]:
    """So many different ones; each holds the token, so that what it makes is known wherever it lies."""
    chance, found = random.Random(seed), {}
    for prefix in PREFIXES:
        for depth in (1, 3, 8):
            found[prefix * depth + f"{token}-{len(found)}"] = None
    while len(found) < count:
        parts = "".join(chance.choice(PREFIXES) * chance.choice((1, 1, 2, 6)) for _ in range(chance.choice((1, 1, 2))))
        found[parts + chance.choice(TARGETS).format(t=f"{token}-{len(found)}") + chance.choice(ENDS)] = None
    return list(found)[:count]


def header_value(name: str, form: int) -> bytes:
    """A Content-Disposition that gives this name: quoted, as a token, RFC 8187, or as an encoded word."""
    if form == 0:
        return b'attachment; filename="' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    if form == 1:
        return b"attachment; filename=" + name.replace(";", "").encode()
    if form == 2:
        return b"attachment; filename*=UTF-8''" + urllib.parse.quote(urllib.parse.unquote(name), safe="").encode()
    return b'attachment; filename="=?UTF-8?Q?' + "".join(f"={byte:02X}" for byte in urllib.parse.unquote(name).encode()).encode() + b'?="'


class HostileServer:
    """`/cd/N` gives names[N] in Content-Disposition, `/to/N` redirects to a path that ends in it; all else is served as it is."""

    def __init__(self, hostile: list):
        self.names = hostile
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        stream = peer.makefile("rb")
        with peer:
            while True:
                line = stream.readline()
                while line and stream.readline().strip():
                    pass
                parts = line.split(b" ")
                if len(parts) < 2:
                    return
                peer.sendall(self._answer(parts[1].decode("latin-1")))

    def _answer(self, path: str) -> bytes:
        kind, _, rest = path.lstrip("/").partition("/")
        if kind == "to":
            return b"HTTP/1.1 302 Found\r\nLocation: " + url_path(self.names[int(rest)]).encode() + b"\r\nContent-Length: 0\r\n\r\n"
        lines = [b"HTTP/1.1 200 OK", b"Content-Type: application/octet-stream", b'ETag: "1"', b"Content-Length: 5"]
        if kind == "cd":
            lines.append(b"Content-Disposition: " + header_value(self.names[int(rest)], int(rest) % 4))
        return b"\r\n".join([*lines, b"", b"bytes"])

    def stop(self) -> None:
        self.socket.close()


class CorpusServer(HostileServer):
    """`/N/...` is answered as case N of content_disposition.json says."""

    def _answer(self, path: str) -> bytes:
        case = self.names[int(path.split("/")[1])]
        lines = ["HTTP/1.1 200 OK", "Content-Type: " + case["type"], "Content-Length: 5"]
        if case["header"] is not None:
            lines.append("Content-Disposition: " + case["header"])
        return "\r\n".join([*lines, "", "bytes"]).encode("latin-1")


def url_path(name: str) -> str:
    """A path whose last part is the name: what may not stand in a URL is encoded, what is encoded stays so."""
    return "/url/" + urllib.parse.quote(name, safe="%/;:~.$()|=,!*'@&+")


def last_part_encoded(name: str) -> str:
    """One segment that decodes to the name."""
    return "/url/" + urllib.parse.quote(urllib.parse.unquote(name), safe="")


class LyingPlace:
    """Stands between a device and its place, and gives every file of a list another name."""

    def __init__(self, place_url: str):
        self.host = place_url.removeprefix("http://")
        self.lie = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _relay(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                up = http.client.HTTPConnection(outer.host, timeout=30)
                up.request(self.command, self.path, body, {**dict(self.headers), "Host": outer.host})
                answer = up.getresponse()
                data = answer.read()
                if outer.lie is not None and self.path.startswith("/v1/files") and data.startswith(b"["):
                    data = json.dumps([{**file, "name": outer.lie} for file in json.loads(data)]).encode()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                up.close()

            do_GET = do_POST = do_PATCH = do_DELETE = _relay

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
