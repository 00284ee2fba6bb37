# SPDX-License-Identifier: Apache-2.0
"""A content server of raw sockets that writes down everything it hears, byte by byte, and answers as a test says.

One port speaks both plain HTTP and TLS: the first byte tells. So an origin can change its scheme and nothing else.
"""
import hashlib
import os
import socket
import ssl
import threading
import urllib.parse


class Request:
    """One header block as it came, and its body."""

    def __init__(self, raw: bytes, body: bytes, connection: int, scheme: str, peer_certificate: bool):
        self.raw, self.body, self.connection = raw, body, connection
        self.scheme, self.peer_certificate = scheme, peer_certificate
        lines = raw.decode("latin-1").split("\r\n")
        self.method, self.target, _ = (lines[0] + "  ").split(" ", 2)
        self.path = self.target.split("?")[0]
        self.fields = [tuple(line.split(":", 1)) for line in lines[1:] if ":" in line]

    def get(self, name: str) -> str | None:
        return next((value.strip() for key, value in self.fields if key.lower() == name), None)


def reply(status: int = 200, body: bytes = b"content of the sink", **fields) -> bytes:
    """Names of fields are written with _ for -."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}"]
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name.replace('_', '-')}: {one}" for one in values]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Cut(bytes):
    """An answer behind which the connection is closed."""


class Sink:
    """`answer(request)` gives the raw bytes of the answer, or None to close; `tls` an ssl.SSLContext."""

    def __init__(self, answer=None, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None):
        self.answer, self.tls = answer or (lambda request: reply()), tls
        self.requests, self.connections, self.failures = [], 0, []
        self.heard = b""  # every decrypted byte, also of what is no request
        self._lock = threading.Lock()
        self.listener = socket.create_server((address, port), backlog=256)
        self.address, self.port = address, self.listener.getsockname()[1]
        self.plain = f"http://{address}:{self.port}"
        self.secure = f"https://{address}:{self.port}"
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.add(peer)
            threading.Thread(target=self._serve, args=(peer, number), daemon=True).start()

    def _serve(self, peer, number):
        raw = peer
        try:
            peer.settimeout(20)
            scheme = "http"
            if peer.recv(1, socket.MSG_PEEK) == b"\x16":
                if self.tls is None:
                    return
                scheme, peer = "https", self.tls.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
                self._shake_hands(peer)
            certificate = scheme == "https" and peer.getpeercert(True) is not None
            held = b""
            while True:
                while b"\r\n\r\n" not in held:
                    got = peer.recv(65536)
                    if not got:
                        return
                    with self._lock:
                        self.heard += got
                    held += got
                head, held = held.split(b"\r\n\r\n", 1)
                length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
                while len(held) < length:
                    got = peer.recv(65536)
                    if not got:
                        return
                    with self._lock:
                        self.heard += got
                    held += got
                body, held = held[:length], held[length:]
                request = Request(head, body, number, scheme, certificate)
                with self._lock:
                    self.requests.append(request)
                answer = self.answer(request)
                if answer is None:
                    return
                peer.sendall(answer)
                if isinstance(answer, Cut):
                    return
        except (OSError, ssl.SSLError) as error:
            with self._lock:
                self.failures.append(str(error))
        finally:
            with self._lock:
                self._open.discard(raw)
            try:
                peer.close()
            except OSError:
                pass

    @staticmethod
    def _shake_hands(peer):
        try:
            peer.do_handshake()
        except ssl.SSLError:
            # What was sent behind a refused handshake is read, or the kernel would drop our alert with the connection.
            socket.socket.shutdown(peer, socket.SHUT_WR)
            while os.read(peer.fileno(), 65536):
                pass
            raise

    def close(self):
        self.listener.close()
        with self._lock:
            peers = list(self._open)
        for peer in peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class DigestGate:
    """Wants Digest (RFC 7616) for one user; counts tries. `nonces`: how many requests a nonce is good for."""

    def __init__(self, user: str, password: str, algorithm: str = "SHA-256", uses: int = 1000, stale_forever: bool = False,
                 userhash: bool = False, also: list = ()):
        self.user, self.password, self.algorithm, self.uses = user, password, algorithm, uses
        self.stale_forever, self.userhash, self.also = stale_forever, userhash, list(also)
        self.issued, self.accepted, self.refused, self.counts = 0, 0, 0, {}

    def _hash(self, text: str) -> str:
        name = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}[self.algorithm.removesuffix("-sess")]
        return hashlib.new(name, text.encode()).hexdigest()

    def challenge(self, stale: bool) -> bytes:
        self.issued += 1
        nonce = f"nonce-{self.issued}"
        self.counts[nonce] = 0
        extra = (", stale=true" if stale else "") + (", userhash=true" if self.userhash else "")
        ours = f'Digest realm="the \\"vault\\"", nonce="{nonce}", opaque="op", algorithm={self.algorithm}, qop="auth-int, auth", charset=UTF-8{extra}'
        return reply(401, b"sign in", WWW_Authenticate=[*self.also, ours])

    def __call__(self, request: Request) -> bytes:
        given = request.get("authorization") or ""
        if not given.startswith("Digest "):
            return self.challenge(False)
        parts = {}
        for name, value in (part.split("=", 1) for part in _split(given[7:])):
            parts[name.strip()] = value.strip().strip('"').replace('\\"', '"')
        realm = 'the "vault"'
        secret = self._hash(f"{self.user}:{realm}:{self.password}")
        if self.algorithm.endswith("-sess"):
            secret = self._hash(f"{secret}:{parts['nonce']}:{parts['cnonce']}")
        asked = self._hash(f"{request.method}:{request.target}")
        right = self._hash(f"{secret}:{parts['nonce']}:{parts['nc']}:{parts['cnonce']}:auth:{asked}")
        user = self._hash(f"{self.user}:{realm}") if self.userhash else self.user
        if parts["nonce"] not in self.counts or parts["response"] != right or parts["username"] != user or parts["uri"] != request.target:
            self.refused += 1
            return self.challenge(False)
        self.counts[parts["nonce"]] += 1
        fresh = int(parts["nc"], 16) == self.counts[parts["nonce"]] and self.counts[parts["nonce"]] <= self.uses
        if self.stale_forever or not fresh:
            return self.challenge(True)
        self.accepted += 1
        return reply()


def _split(text: str) -> list[str]:
    """At the commas outside quotes."""
    parts, quoted, at = [""], False, 0
    while at < len(text):
        if text[at] == "\\" and quoted:
            parts[-1] += text[at:at + 2]
            at += 2
            continue
        quoted ^= text[at] == '"'
        if text[at] == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += text[at]
        at += 1
    return parts


class TokenEndpoint:
    """RFC 6749 §6 with rotation: each refresh token is good once. `hold` is awaited before it answers."""

    def __init__(self, refresh_token: str, life_s: int = 3600, rotate: bool = True):
        self.refresh_token, self.life_s, self.rotate = refresh_token, life_s, rotate
        self.access_tokens, self.asked, self.refused = [], 0, 0
        self.before = lambda: None

    def __call__(self, request: Request) -> bytes:
        form = urllib.parse.parse_qs(request.body.decode())
        self.asked += 1
        self.before()
        if request.method != "POST" or form.get("grant_type") != ["refresh_token"] or form.get("refresh_token") != [self.refresh_token]:
            self.refused += 1
            return reply(400, b'{"error":"invalid_grant","error_description":"secret words"}', Content_Type="application/json")
        access = f"K4N4RY-access-{self.asked}"
        self.access_tokens.append(access)
        more = ""
        if self.rotate:
            self.refresh_token = f"K4N4RY-refresh-{self.asked}"
            more = f',"refresh_token":"{self.refresh_token}"'
        return reply(200, f'{{"access_token":"{access}","token_type":"Bearer","expires_in":{self.life_s}{more}}}'.encode(),
                     Content_Type="application/json")
