# SPDX-License-Identifier: Apache-2.0
"""Capture over a slow connection: a browser on a cable of its own, behind which the content server and the place stand.

browser 10.79.1.3 ==8 Mbit/s== 10.79.1.1 content server, 10.79.1.2 place
"""
import json
import os
import pathlib
import subprocess
import time

from . import namespaces
from .browser import Browser, Origin
from .place import Place
from .process import wait_until

CONTENT, OTHER, PLACE, BROWSER = "10.79.1.1", "10.79.1.4", "10.79.1.2", "10.79.1.3"
SIZE = 100_000_000
CONFIG = '[listen]\npublic_url = "https://10.79.1.2:8470"\n[address_guard]\nallow = ["10.79.0.0/16"]\n'
QUIET_S = 1.5  # nothing of a capture comes after so long a silence


class World:
    def __init__(self, folder: pathlib.Path, kind: str, rate: str = "8mbit"):
        mark = f"rb{os.getpid()}{kind[0]}"
        self.folder, self.kind, self.mark = folder, kind, mark
        self.hosts = [namespaces.Host(f"{mark}f"), namespaces.Host(f"{mark}n")]
        self.far, self.near = self.hosts
        namespaces.link(self.far, "lan", CONTENT, self.near, "lan", BROWSER, rate)
        for address in (PLACE, OTHER):
            subprocess.run(["ip", "-n", self.far.name, "addr", "add", f"{address}/24", "dev", "lan"], check=True)
        self.parts = []

    def start(self) -> "World":
        self.place = Place(self.folder / "place", CONFIG, [f"{PLACE}:8470"], self.far.prefix).start()
        self.parts.append(self.place.stop)
        self.place.add_user("ana", "--lan")
        self.origin = Origin(SIZE, CONTENT, OTHER, self.far.prefix)
        self.parts.append(self.origin.close)
        self.browser = Browser(self.kind, self.near.prefix, self.place.data / "keys" / "ca.pem")
        self.parts.append(self.browser.close)
        connected = self.browser.tell(do="connect", address=self.place.pair("ana"))
        self.token = self.browser.tell(do="token", place=connected["jkt"])
        self.browser.set(mode="send", whenDown="browser")
        return self

    def get(self, path: str):
        """Of the place, asked by a neighbour of it: the browser's cable is not used."""
        out = subprocess.run([*self.far.prefix, "curl", "-sS", "--cacert", str(self.place.data / "keys" / "ca.pem"), "-H",
                              f"Authorization: Bearer {self.token}", f"https://{PLACE}:8470{path}"], capture_output=True, check=True)
        return json.loads(out.stdout)

    def _received(self) -> int:
        return self.near.counters("lan")[0]

    def _quiet(self) -> int:
        """Bytes received so far, once nothing more comes."""
        seen, since = self._received(), time.monotonic()
        while time.monotonic() - since < QUIET_S:
            time.sleep(0.05)
            now = self._received()
            if now != seen:
                seen, since = now, time.monotonic()
        return seen

    def capture(self, selector: str) -> dict:
        """Clicks, and waits until the place has the download: bytes that the browser received for it, until nothing more came."""
        before = len(self.get("/v1/jobs?limit=100"))
        self.browser.ask("goto", url=f"{self.origin.url}/page")
        begun = self._quiet()
        self.browser.ask("click", selector=selector)
        wait_until(f"{selector} at the place", lambda: len(self.get("/v1/jobs?limit=100")) > before)
        received = self._quiet() - begun
        return {"received": received, "downloads": len(self.browser.ask("downloads"))}

    def close(self) -> None:
        for end in reversed(self.parts):
            end()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True)
