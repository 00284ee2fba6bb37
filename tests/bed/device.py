# SPDX-License-Identifier: Apache-2.0
"""A requesting or viewing device: the real restante command with a home of its own."""
import json
import os
import pathlib
import subprocess

from . import BIN
from .process import BedError


class Device:
    def __init__(self, home: pathlib.Path, prefix: list = (), binaries: pathlib.Path = BIN):
        self.home, self.prefix, self.binaries = home, list(prefix), binaries
        home.mkdir(parents=True, exist_ok=True)

    def command(self, *arguments) -> list[str]:
        return [*map(str, self.prefix), str(self.binaries / "restante"), *map(str, arguments)]

    def environment(self) -> dict:
        return {**os.environ, "RESTANTE_HOME": str(self.home / "restante")}

    def run(self, *arguments, input: str | None = None, check: bool | int = True, cwd=None,
            timeout: float = 120) -> subprocess.CompletedProcess:
        """`check`: True wants exit 0, a number wants that exit status, False takes any."""
        done = subprocess.run(self.command(*arguments), input=input, stdin=None if input is not None else subprocess.DEVNULL, text=True,
                              capture_output=True, env=self.environment(), timeout=timeout, cwd=cwd or self.home)
        wanted = 0 if check is True else check
        if check is not False and done.returncode != wanted:
            raise BedError(f"restante {' '.join(map(str, arguments))} exited {done.returncode}, not {wanted}:\n{done.stdout}{done.stderr}")
        return done

    def json(self, *arguments, **options) -> list[dict]:
        """Runs with --json and reads one object a line."""
        return [json.loads(line) for line in self.run("--json", *arguments, **options).stdout.splitlines()]

    def connect(self, name: str, pairing_url: str) -> None:
        self.run("place", "add", name, pairing_url)

    def token(self) -> str:
        """The bearer token of the first place, for requests made without the command."""
        for path in sorted((self.home / "restante").rglob("*.json")):
            found = _find_token(json.loads(path.read_text()))
            if found:
                return found
        raise BedError(f"no token below {self.home}")


def _find_token(value):
    if isinstance(value, dict):
        if isinstance(value.get("token"), str):
            return value["token"]
        return next(filter(None, map(_find_token, value.values())), None)
    if isinstance(value, list):
        return next(filter(None, map(_find_token, value)), None)
    return None
