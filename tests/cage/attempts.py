# SPDX-License-Identifier: Apache-2.0
"""What native code in a worker tries: each attempt is a program of system calls, the locks that stop it, each by itself, and how
its success is seen from outside the worker. A lock that holds nothing of it is not named. The attempts stand in files.py,
processes.py and network.py."""
import dataclasses
import typing

NAMESPACES, ROOT, CAPABILITIES, RLIMITS, DUMPABLE, LANDLOCK = "namespaces", "root", "capabilities", "rlimits", "dumpable", "landlock"
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
O_WRONLY, O_CREAT, O_DIRECTORY = 1, 0o100, 0o200000


@dataclasses.dataclass
class Attempt:
    name: str
    what: str
    calls: tuple  # that the filter has to let through; the filter is one of the locks where there are any
    locks: tuple  # the other locks that stop it, each by itself
    build: typing.Callable  # (program, world) -> seen(report, worker) -> bool
    root_only: bool = False  # without locks only root could do it
    may_lack: bool = False   # a kernel may not have it: then it is not counted

    def all_locks(self) -> list:
        return [*(["seccomp"] if self.calls else []), *self.locks]


ATTEMPTS: list[Attempt] = []


def attempt(what: str, calls: str, *locks: str, root_only: bool = False, may_lack: bool = False):
    """The function builds the program and returns how its success is seen; its name is the attempt's."""
    def add(build):
        ATTEMPTS.append(Attempt(build.__name__.replace("_", "-"), what, tuple(calls.split()), locks, build, root_only, may_lack))
        return build
    return add
