# SPDX-License-Identifier: Apache-2.0
"""A real content server: nginx with its own prefix, plain and TLS, with a part behind a password."""
import hashlib
import os
import pathlib
import subprocess

from .certificates import Authority
from .process import Program, free_port, wait_until

BLOCK = 1 << 20


def make_file(path: pathlib.Path, size: int, seed: int) -> str:
    """Incompressible bytes that depend on the seed alone; returns their SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, left, counter = hashlib.sha256(), size, 0
    with open(path, "wb") as out:
        while left > 0:
            block = hashlib.shake_128(f"{seed}:{counter}".encode()).digest(min(BLOCK, left))
            out.write(block)
            digest.update(block)
            left -= len(block)
            counter += 1
    return digest.hexdigest()


class ContentServer:
    """nginx serving `folder`; `/private/` wants ana / `password`; `rate` limits each connection (nginx size, "2m")."""

    def __init__(self, folder: pathlib.Path, address: str = "127.0.0.1", prefix: list = (), authority: Authority | None = None,
                 rate: str | None = None, password: str = "open sesame", extra: str = "", before: str = "", connections: int = 4096, http2: bool = False):
        self.folder, self.address, self.prefix, self.authority = folder, address, list(prefix), authority
        self.rate, self.password, self.extra, self.before, self.http2 = rate, password, extra, before, http2
        self.connections = connections
        self.root = folder / "content"
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = self.tls_port = 0
        self.program: Program | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"https://{self.address}:{self.tls_port}"

    def start(self) -> "ContentServer":
        self.port = self.port or (8080 if self.prefix else free_port(self.address))
        listen = f"listen {self.address}:{self.port} backlog=4096;"
        if self.authority:
            self.tls_port = self.tls_port or (8443 if self.prefix else free_port(self.address))
            certificate, key = self.authority.issue(self.address)
            listen += f' listen {self.address}:{self.tls_port} ssl{" http2" if self.http2 else ""} backlog=4096; ssl_certificate "{certificate}"; ssl_certificate_key "{key}";'
        hashed = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=self.password, text=True, capture_output=True,
                                check=True).stdout.strip()
        (self.folder / "users").write_text(f"ana:{hashed}\n")
        temporary = " ".join(f'{name}_temp_path "{self.folder}/tmp-{name}";'
                             for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        limit = f"limit_rate {self.rate};" if self.rate else ""
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(f"""
{user} daemon off; worker_processes 1; pid "{self.folder}/nginx.pid"; error_log "{self.folder}/error.log" warn;
worker_rlimit_nofile {2 * self.connections}; events {{ worker_connections {self.connections}; }}
http {{
  log_format ranges '$request_uri $status "$http_range" $body_bytes_sent';
  access_log "{self.folder}/access.log"; default_type application/octet-stream; sendfile on; {temporary}
  types {{ text/html html; }}
  {self.before}
  server {{
    {listen} root "{self.root}"; {limit}
    location /private/ {{ auth_basic "ana"; auth_basic_user_file "{self.folder}/users"; }}
    {self.extra}
  }}
}}
""")
        self.program = Program(["/usr/sbin/nginx", "-p", self.folder, "-e", self.folder / "error.log", "-c", self.folder / "nginx.conf"],
                               self.folder / "nginx.log", self.prefix)
        wait_until("nginx", lambda: (self.folder / "nginx.pid").exists() and (self.folder / "nginx.pid").read_text().strip())
        return self

    def stop(self) -> None:
        if self.program:
            self.program.stop()
            self.program = None

    def requests(self) -> list[str]:
        """The access log, a line each."""
        log = self.folder / "access.log"
        return log.read_text().splitlines() if log.exists() else []
