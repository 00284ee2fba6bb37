# SPDX-License-Identifier: Apache-2.0
"""Starting, watching and ending programs."""
import errno
import os
import pathlib
import random
import socket
import subprocess
import time


class BedError(RuntimeError):
    """The test bed itself could not do what it should."""


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nobody listens on, outside of what the kernel hands out: it stays free while its server is restarted."""
    while True:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            port = random.SystemRandom().randrange(10_000, 32_000)
            try:
                probe.bind((address, port))
                return port
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise


def wait_until(what: str, condition, seconds: float = 90.0, pause: float = 0.02):
    """The first true value of condition(); BedError naming `what` when it does not come in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise BedError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause)


class Program:
    """A long-running program with its output in a file; `prefix` may put it into a namespace."""

    def __init__(self, command: list, log: pathlib.Path, prefix: list = (), env: dict | None = None, cwd=None):
        self.command, self.log = [str(part) for part in command], log
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as output:
            self.popen = subprocess.Popen([*prefix, *self.command], stdout=output, stderr=subprocess.STDOUT,
                                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, cwd=cwd)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def alive(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for_line(self, text: str, seconds: float = 90.0) -> str:
        def find():
            for line in self.output().splitlines():
                if text in line:
                    return line
            if not self.alive():
                raise BedError(f"{self.command[0]} ended with {self.popen.returncode}:\n{self.output()[-2000:]}")
            return None
        return wait_until(f"'{text}' from {self.command[0]}", find, seconds)

    def stop(self, seconds: float = 60.0) -> int:
        """SIGTERM, and SIGKILL when that is not enough; the exit status."""
        if self.alive():
            self.popen.terminate()
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise BedError(f"{self.command[0]} did not end within {seconds:.0f} s of SIGTERM") from None

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()
