# SPDX-License-Identifier: Apache-2.0
"""The content server of the extension's tests: what browsers meet when somebody downloads, and a book of what was asked.

origin.py: the first line on stdout says where it is ({"url", "other"}: two names of one server, so two sites); each line on
stdin asks for something ({"do": "book"} | {"do": "stop"} | {"do": "start"}), each answer is one line.
"""
import hashlib
import http.server
import json
import sys
import threading
import urllib.parse

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
ADDRESS = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
OTHER = "localhost" if ADDRESS == "127.0.0.1" else sys.argv[3]
CHUNK = 65536
PAGE = """<!doctype html><title>Downloads</title>
<p><a id="plain" href="/files/plain.bin">plain</a>
<a id="zip" href="/files/week.zip">by its name</a>
<a id="attachment" href="/attachment?of=report">attachment</a>
<a id="member" href="/member">for members</a>
<a id="saved" href="/notes.txt" download="my notes.txt">saved</a>
<a id="chain" href="/hop?to=1">by redirects</a>
<a id="foreign" href="OTHER/attachment?of=foreign">another site</a>
<a id="chainforeign" href="/away">by another site</a>
<a id="shown" href="/shown">a page</a>
<a id="blob" download="made.txt">made here</a>
<form id="form" method="post" action="/form"><input name="week" value="12"><input name="title" value="Für alle &amp; jeden+1">
<button id="send">send</button></form>
<form id="multi" method="post" enctype="multipart/form-data" action="/form"><input name="week" value="13"><button id="sendmulti">send</button></form>
<form id="upload" method="post" enctype="multipart/form-data" action="/form"><input id="file" name="file" type="file"><button id="sendfile">send</button></form>
<p id="many">MANY</p>
<script>document.getElementById('blob').href = URL.createObjectURL(new Blob(['made in the page']));</script>
"""


def content(name: str) -> bytes:
    """Other bytes for each name, the same each time."""
    block = hashlib.sha512(name.encode()).digest()
    return (block * (SIZE // len(block) + 1))[:SIZE]


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    book: list = []

    def log_message(self, *_):
        pass

    def answer(self, status: int, body: bytes, **headers) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        entry = self.note
        try:
            for at in range(0, len(body), CHUNK):
                self.wfile.write(body[at:at + CHUNK])
                entry["sent"] += len(body[at:at + CHUNK])
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        self.serve(b"")

    def do_POST(self) -> None:
        self.serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def serve(self, sent: bytes) -> None:
        url = urllib.parse.urlsplit(self.path)
        agent = self.headers.get("User-Agent", "")
        self.note = {"method": self.command, "target": self.path, "host": self.headers.get("Host"), "cookie": self.headers.get("Cookie", ""),
                     "referer": self.headers.get("Referer", ""), "agent": agent, "body": sent.decode("utf-8", "replace"), "sent": 0}
        Origin.book.append(self.note)
        cookies = dict(one.split("=", 1) for one in self.headers.get("Cookie", "").split("; ") if "=" in one)
        if url.path in ("/", "/page"):
            many = " ".join(f'<a id="many{i}" href="/attachment?of=many{i}" target="frame{i}">{i}</a><iframe name="frame{i}"></iframe>' for i in range(6))
            body = PAGE.replace("OTHER", self.other).replace("MANY", many).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Set-Cookie", "member=K4N4RY; HttpOnly; Path=/; SameSite=Lax")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif url.path.startswith("/files/"):
            kind = "application/zip" if url.path.endswith(".zip") else "application/octet-stream"
            self.answer(200, content(url.path), Content_Type=kind)
        elif url.path == "/attachment":
            of = urllib.parse.parse_qs(url.query)["of"][0]
            self.answer(200, content(of), Content_Type="application/pdf", Content_Disposition=f'attachment; filename="{of}.pdf"')
        elif url.path == "/member" and cookies.get("member") == "K4N4RY":
            self.answer(200, content("member"), Content_Type="application/octet-stream", Content_Disposition='attachment; filename="member.dat"')
        elif url.path == "/notes.txt":
            self.answer(200, content("notes"), Content_Type="text/plain")
        elif url.path == "/hop":
            step = int(urllib.parse.parse_qs(url.query)["to"][0])
            self.answer(302, b"", Location=f"/hop?to={step + 1}" if step < 3 else "/attachment?of=chained")
        elif url.path == "/away":
            self.answer(302, b"", Location=f"{self.other}/attachment?of=away")
        elif url.path == "/embedding":
            self.answer(200, f'<!doctype html><title>Embedding</title><iframe id="inner" src="{self.other}/box?partitioned"></iframe>'.encode(), Content_Type="text/html")
        elif url.path == "/box":
            kind = "Secure; SameSite=None; Partitioned" if url.query == "partitioned" else "SameSite=Lax"
            self.answer(200, b'<!doctype html><title>Box</title><a id="boxed" href="/boxed">what is in the box</a>', Content_Type="text/html",
                        Set_Cookie=f"boxed=yes; Path=/; {kind}")
        elif url.path == "/boxed" and cookies.get("boxed") == "yes":
            self.answer(200, content("boxed"), Content_Type="application/octet-stream", Content_Disposition='attachment; filename="boxed.dat"')
        elif url.path == "/shown":
            self.answer(200, b"<!doctype html><title>Shown</title><h1>a page</h1>", Content_Type="text/html")
        elif url.path == "/led":
            self.answer(302, b"", Location=urllib.parse.parse_qs(url.query)["to"][0])
        elif url.path == "/form" and self.command == "POST":
            week = "12" if sent.startswith(b"week=12") else "13"
            right = b"week=12&title=F%C3%BCr+alle+%26+jeden%2B1" == sent if week == "12" else b'name="week"\r\n\r\n13\r\n' in sent or b"filename" in sent
            self.answer(200 if right else 400, content(f"form{week}") if right else b"what?", Content_Type="application/octet-stream",
                        Content_Disposition=f'attachment; filename="form{week}.dat"')
        elif url.path == "/favicon.ico":
            self.answer(204, b"")
        else:
            self.answer(403, b"for members")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """Browsers end connections as they like."""


def main() -> None:
    server, port = None, 0

    def start() -> None:
        nonlocal server, port
        server = Server((ADDRESS if OTHER == "localhost" else "0.0.0.0", port), Origin)
        port = server.server_address[1]
        Origin.other = f"http://{OTHER}:{port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    start()
    print(json.dumps({"url": f"http://{ADDRESS}:{port}", "other": Origin.other}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        said: dict = {}
        if asked["do"] == "book":
            said = {"book": list(Origin.book)}
        elif asked["do"] == "digest":
            said = {"sha256": hashlib.sha256(content(asked["name"])).hexdigest()}
        elif asked["do"] == "stop" and server:
            server.shutdown()
            server.server_close()
            server = None
        elif asked["do"] == "start" and not server:
            start()
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
