#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the real Chromium what it calls each answer of content_disposition.json, and compares with what is written there.

    tests/names/chromium.py            compares; exit status 1 where it says something else today
    tests/names/chromium.py --record   writes its names and its version into the file

Needs Debian's package `chromium`. A profile of its own in a temporary folder, a raw HTTP server on a free loopback port;
every case is one navigation that ends as a download, and its name is the name of the file that lies in the folder then.
`null`: Chromium refuses the answer or cannot save it.
"""
import argparse
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

CORPUS = pathlib.Path(__file__).with_name("content_disposition.json")
PREFERENCES = {"download": {"prompt_for_download": False, "directory_upgrade": True}, "safebrowsing": {"enabled": False},
               "profile": {"default_content_setting_values": {"automatic_downloads": 1}}}
PATIENCE_S = 4.0


class Content:
    """Answers the path of the case under way, and 404 otherwise."""

    def __init__(self):
        self.case = None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = peer.recv(65536)
                if not piece:
                    return
                head += piece
            peer.sendall(answer(self.case, head.split(b" ")[1].decode("latin-1")))


def answer(case: dict | None, path: str) -> bytes:
    if case is None or path != case["path"]:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    lines = ["HTTP/1.1 200 OK", "Content-Type: " + case["type"]]
    if case["header"] is not None:
        lines.append("Content-Disposition: " + case["header"])
    return "\r\n".join([*lines, "Content-Length: 3", "Connection: close", "", "abc"]).encode("latin-1")


class Browser:
    """Headless Chromium, spoken to over its debugging pipe (descriptors 3 and 4)."""

    def __init__(self, folder: pathlib.Path):
        self.downloads = folder / "downloads"
        self.downloads.mkdir()
        profile = folder / "profile" / "Default"
        profile.mkdir(parents=True)
        preferences = {**PREFERENCES, "download": {**PREFERENCES["download"], "default_directory": str(self.downloads)}}
        (profile / "Preferences").write_text(json.dumps(preferences))
        its_in, self.out = os.pipe()
        self.inward, its_out = os.pipe()
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--lang=en-US",
                   f"--user-data-dir={folder}/profile"]
        # The shell puts the pipe's ends where Chromium wants them.
        self.process = subprocess.Popen(["sh", "-c", f'exec "$@" 3<&{its_in} 4>&{its_out}', "sh", *command], pass_fds=(its_in, its_out),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(its_in)
        os.close(its_out)
        self.buffer, self.events, self.ident = b"", [], 0
        self.version = self.call("Browser.getVersion", 30)["result"]["product"]
        self.call("Browser.setDownloadBehavior", behavior="default", eventsEnabled=True)
        self.session = self._tab()

    def _tab(self) -> str:
        target = self.call("Target.createTarget", url="about:blank")["result"]["targetId"]
        return self.call("Target.attachToTarget", targetId=target, flatten=True)["result"]["sessionId"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def _read(self, seconds: float) -> dict | None:
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.inward], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            piece = os.read(self.inward, 1 << 16)
            if not piece:
                raise RuntimeError("Chromium ended")
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, seconds: float = 15.0, session: str | None = None, **parameters) -> dict:
        self.ident += 1
        message = {"id": self.ident, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._read(seconds)
            if heard is None:
                raise RuntimeError(f"Chromium does not answer {method}")
            if heard.get("id") == self.ident:
                return heard
            self.events.append(heard)

    def name_of(self, url: str) -> str | None:
        """What the download of this URL is called on the disk."""
        self.events.clear()
        while "error" in self.call("Page.navigate", session=self.session, url=url):
            self.session = self._tab()  # a tab whose only navigation became a download may be closed
        suggested = None
        while True:
            event = self.events.pop(0) if self.events else self._read(PATIENCE_S)
            if event is None:
                break
            if event.get("method") == "Browser.downloadWillBegin":
                suggested = event["params"]["suggestedFilename"]
            if event.get("method") == "Browser.downloadProgress" and event["params"]["state"] in ("completed", "canceled"):
                break
        names = [path.name for path in self.downloads.iterdir()]
        for name in names:
            (self.downloads / name).unlink()
        if len(names) != 1:
            return None
        # A kind that it asks the person about first keeps a temporary name.
        return suggested if names[0].startswith("Unconfirmed ") else names[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true")
    record = parser.parse_args().record
    if not shutil.which("chromium"):
        print("chromium.py: Debian's package `chromium` is not installed", file=sys.stderr)
        return 2
    corpus = json.loads(CORPUS.read_text())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-chromium-"))
    content, browser = Content(), Browser(folder)
    others = 0
    try:
        for case in corpus["cases"]:
            content.case = case
            name = browser.name_of(content.url + case["path"])
            if name != case.get("chromium"):
                others += 1
                print(f"{ascii(case['header'])} {case['path']}: {case.get('chromium')!r} is {name!r} now")
            case["chromium"] = name
        corpus["browser"] = browser.version
    finally:
        browser.stop()
        content.socket.close()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{browser.version}: {len(corpus['cases'])} cases, {others} other names")
    if record:
        write(corpus)
        return 0
    return 1 if others else 0


def write(corpus: dict) -> None:
    """One case a line, so that changes can be read."""
    cases = ",\n".join(json.dumps(case, ensure_ascii=True) for case in corpus["cases"])
    about = json.dumps({key: value for key, value in corpus.items() if key != "cases"}, indent=1)
    CORPUS.write_text(about.rstrip("}\n ") + f',\n "cases": [\n{cases}\n]}}\n')


if __name__ == "__main__":
    sys.exit(main())
