# SPDX-License-Identifier: Apache-2.0
"""Content whose truth the clients know: what lies behind a URL depends on the URL (and the seed of the run) alone."""
import os
import pathlib
import re

from bed.content import ContentServer, make_file

LONG_AGO = 1_577_836_800  # older than a minute: a server may go on with such a file


class Library:
    """nginx with `count` contents: mostly small, every tenth of several MiB (and then not too fast)."""

    def __init__(self, folder: pathlib.Path, seed: int, dice, count: int = 120, rate: str = "12m"):
        self.ranges = folder / "ranges.log"
        self.server = ContentServer(folder, extra=f"""
    location /slow/ {{ limit_rate {rate}; alias {folder}/content/; }}
    location /crawl/ {{ limit_rate 700k; alias {folder}/content/; access_log "{self.ranges}" ranges; }}
""")
        self.truth: dict[str, str] = {}
        self.paths: list[str] = []
        for number in range(count):
            large = number % 10 == 9
            size = dice.randrange(1 << 20, 5 << 20) if large else dice.choice([1, 100, 4096, dice.randrange(1, 70_000)])
            self.add(f"{number}.bin", size, seed * 1000 + number, "slow" if large else "")

    def add(self, name: str, size: int, seed: int, road: str = "") -> str:
        digest = make_file(self.server.root / name, size, seed)
        os.utime(self.server.root / name, (LONG_AGO, LONG_AGO))
        path = f"/{road}/{name}" if road else f"/{name}"
        self.truth[path] = digest
        self.paths.append(path)
        return path

    def asked(self, path: str) -> list[int]:
        """Where each request for this path began, in their order (as they ended)."""
        lines = self.ranges.read_text().splitlines() if self.ranges.exists() else []
        found = [re.search(r'"(?:bytes=(\d+)-|-)', line) for line in lines if line.startswith(path + " ")]
        return [int(match.group(1) or 0) for match in found if match]

    def start(self) -> "Library":
        self.server.start()
        return self

    def stop(self) -> None:
        self.server.stop()
