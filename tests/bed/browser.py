# SPDX-License-Identifier: Apache-2.0
"""A real browser with the extension loaded, and the content server that it meets; both may be in network namespaces."""
import json
import os
import pathlib
import subprocess
import tempfile

from .process import BedError

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTENSION = pathlib.Path(os.environ.get("RESTANTE_EXTENSION", ROOT / "build" / "extension"))
SCRIPTS = ROOT / "tests" / "web" / "extension"


class Lines:
    """A program that answers each line of JSON by one line."""

    def __init__(self, command: list, env: dict | None = None):
        self.popen = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, **(env or {})})
        self.ready = self._read()

    def _read(self) -> dict:
        line = self.popen.stdout.readline()
        if not line:
            raise BedError(f"{self.popen.args} ended")
        return json.loads(line)

    def ask(self, deed: str, **given) -> dict:
        self.popen.stdin.write(json.dumps({"do": deed, **given}) + "\n")
        self.popen.stdin.flush()
        return self._read()

    def close(self) -> None:
        self.popen.stdin.close()
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Origin:
    """The content server of the extension's tests, with bodies of `size` bytes; `other` is its second name."""

    def __init__(self, size: int, address: str = "127.0.0.1", other: str = "localhost", prefix: list = ()):
        self.lines = Lines([*prefix, "/usr/bin/python3", SCRIPTS / "origin.py", size, address, other])
        self.url, self.other = self.lines.ready["url"], self.lines.ready["other"]

    def ask(self, what: str, **given) -> dict:
        return self.lines.ask(what, **given)

    def close(self) -> None:
        self.lines.close()


class Browser:
    """`kind`: chromium or firefox. `trusted`: the authority of a place that a person trusts, as after its /trust page."""

    def __init__(self, kind: str, prefix: list = (), trusted: pathlib.Path | None = None):
        self.folder = tempfile.TemporaryDirectory(prefix=f"restante-{kind}-", ignore_cleanup_errors=True)
        if trusted:
            self._trust(pathlib.Path(self.folder.name) / (".pki/nssdb" if kind == "chromium" else ""), trusted)
        self.lines = Lines([*prefix, ROOT / "scripts" / "node.sh", "node", SCRIPTS / f"{kind}.mjs", EXTENSION / kind, self.folder.name],
                           {"HOME": self.folder.name})

    @staticmethod
    def _trust(store: pathlib.Path, certificate: pathlib.Path) -> None:
        store.mkdir(parents=True, exist_ok=True)
        for command in (["-N", "--empty-password"], ["-A", "-n", "place", "-t", "C,,", "-i", str(certificate)]):
            subprocess.run(["certutil", *command, "-d", f"sql:{store}"], check=True, capture_output=True)

    def ask(self, deed: str, **given):
        said = self.lines.ask(deed, **given)
        if "error" in said:
            raise BedError(said["error"])
        return said["value"]

    def tell(self, **what):
        """As the extension's pages ask its background (web/extension/src/common/messages.ts)."""
        reply = self.ask("ask", what=what) or {}
        if "answer" not in reply:
            raise BedError(f"{what['do']}: {reply}")
        return reply["answer"]

    def set(self, **changed) -> None:
        self.tell(do="set", settings={**self.tell(do="state")["settings"], **changed})

    def close(self) -> None:
        self.lines.close()
        self.folder.cleanup()
