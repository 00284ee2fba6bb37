#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the listings of folders in this directory with the real servers: make.py [PATH-OF-EXTRACTED-PACKAGES]

nginx, apache2 and python3 are found in PATH; lighttpd and caddy may lie below the argument (`apt-get download`, `dpkg -x`).
A listing is what the server sent, with its port made 8000. iis.html is written by hand after Microsoft's documentation.
"""
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CONTENT = {"a b.bin": 5, "big.iso": 2_500_000, "R&D \"x\" <y>.pdf": 1000, "Wöche 12.mp4": 123_456, "100%.txt": 0, "?a#b.txt": 7,
           "a-name-that-is-much-longer-than-fifty-characters-which-listings-cut-short.tar.gz": 42, "sub folder/inner.bin": 3,
           "javascript:x.txt": 1}
CHANGED = 1_780_000_000  # 2026-05-28 20:26:40 UTC


def content(root: pathlib.Path) -> None:
    for name, size in CONTENT.items():
        path = root / "pub" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (CHANGED, CHANGED))
    os.utime(root / "pub/sub folder", (CHANGED, CHANGED))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port: int, path: str) -> bytes:
    for _ in range(100):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path, headers={"Accept": "text/html"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            return answer.read().replace(str(port).encode(), b"8000")
        except ConnectionError:
            time.sleep(0.1)
    raise SystemExit(f"nobody listens on {port}")


def listing(name: str, command, port: int, path: str = "/pub/") -> None:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        (HERE / f"{name}.html").write_bytes(get(port, path))
    finally:
        server.terminate()
        server.wait(10)


def main() -> None:
    more = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path("/")
    os.environ["TZ"] = "UTC"
    with tempfile.TemporaryDirectory() as folder:
        root, work = pathlib.Path(folder, "www"), pathlib.Path(folder)
        content(root)
        work.chmod(0o755)

        for name, exact in (("nginx", "on"), ("nginx-rounded", "off")):
            port = free_port()
            config = work / f"{name}.conf"
            config.write_text(f"daemon off; master_process off; pid {work}/{name}.pid; error_log /dev/null; events {{}}\n"
                              f"http {{ access_log off; server {{ listen 127.0.0.1:{port}; root {root}; autoindex on; autoindex_exact_size {exact}; }} }}\n")
            listing(name, ["nginx", "-p", folder, "-c", str(config)], port)

        port = free_port()
        listing("python", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(root), str(port)], port)

        modules = "/usr/lib/apache2/modules"
        for name, options in (("apache", "FancyIndexing HTMLTable VersionSort NameWidth=*"), ("apache-pre", "FancyIndexing"), ("apache-plain", "None")):
            port = free_port()
            config = work / f"{name}.conf"
            config.write_text(f"ServerRoot {folder}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {work}/{name}.pid\nErrorLog /dev/null\n"
                              + "".join(f"LoadModule {m}_module {modules}/mod_{m}.so\n" for m in ("mpm_event", "authz_core", "autoindex", "dir"))
                              + f"DocumentRoot {root}\n<Directory {root}>\nOptions +Indexes\nIndexOptions {options}\nRequire all granted\n</Directory>\n")
            listing(name, ["apache2", "-X", "-f", str(config)], port)

        port = free_port()
        config = work / "lighttpd.conf"
        config.write_text(f'server.document-root = "{root}"\nserver.port = {port}\nserver.bind = "127.0.0.1"\n'
                          f'server.modules = ("mod_dirlisting")\ndir-listing.activate = "enable"\n')
        lighttpd = shutil.which("lighttpd") or str(more / "usr/sbin/lighttpd")
        libraries = more / "usr/lib/lighttpd"
        listing("lighttpd", [lighttpd, "-D", "-f", str(config), *(["-m", str(libraries)] if libraries.exists() else [])], port)

        port = free_port()
        caddy = shutil.which("caddy") or str(more / "usr/bin/caddy")
        os.environ["HOME"] = folder
        listing("caddy", [caddy, "file-server", "--browse", "--root", str(root), "--listen", f"127.0.0.1:{port}"], port)


if __name__ == "__main__":
    main()
