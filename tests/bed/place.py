# SPDX-License-Identifier: Apache-2.0
"""The intermediary server under test: a real restanted with a data folder of its own."""
import os
import pathlib
import subprocess
import urllib.request

from . import BIN
from .process import BedError, Program, free_port

ALLOW_LOOPBACK = '[address_guard]\nallow = ["127.0.0.0/8"]\n'


class Place:
    def __init__(self, folder: pathlib.Path, config: str = ALLOW_LOOPBACK, listen: list | None = None, prefix: list = (),
                 binaries: pathlib.Path = BIN):
        self.folder, self.prefix, self.binaries = folder, list(prefix), binaries
        self.data = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "restanted.toml"
        self.config.write_text(config)
        self.listen = listen or [f"127.0.0.1:{free_port()}"]
        self.program: Program | None = None
        self.starts = 0

    @property
    def url(self) -> str:
        return f"http://{self.listen[0]}"

    def command(self, *arguments) -> list:
        return [self.binaries / "restanted", "--config", self.config, "--data", self.data, *arguments]

    def start(self, seconds: float = 90.0, env: dict | None = None) -> "Place":
        options = [part for address in self.listen for part in ("--listen", address)]
        self.starts += 1
        log = self.folder / f"restanted.{self.starts}.log"
        self.program = Program(self.command("serve", *options), log, self.prefix, env)
        self.program.wait_for_line("listening on", seconds)
        return self

    def stop(self) -> int:
        if not self.program:
            return 0
        program, self.program = self.program, None
        return program.stop()

    def kill(self) -> None:
        if self.program:
            program, self.program = self.program, None
            program.kill()

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("restanted.*.log")))

    def run(self, *arguments, input: str = "", check: bool = True, env: dict | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run([*self.prefix, *map(str, self.command(*arguments))], input=input, text=True, capture_output=True,
                              env={**os.environ, **(env or {})}, timeout=120)
        if check and done.returncode != 0:
            raise BedError(f"restanted {' '.join(map(str, arguments))} exited {done.returncode}: {done.stderr}")
        return done

    def add_user(self, name: str, *options, password: str = "correct horse battery") -> None:
        self.run("user", "add", name, "--password-stdin", *options, input=password + "\n")

    def pair(self, name: str) -> str:
        return self.run("pair", name).stdout.strip()

    def get(self, path: str, token: str | None = None, method: str = "GET", body: bytes | None = None, headers: dict | None = None):
        """A plain HTTP request (loopback places only): (status, headers, body)."""
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=dict(headers or {}))
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, dict(answer.headers), answer.read()
