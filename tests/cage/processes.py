# SPDX-License-Identifier: Apache-2.0
"""Attempts on programs, processes and memory."""
import contextlib
import os
import pathlib
import platform
import resource
import socket
import struct
import typing

from cage.attempts import (AT_EMPTY_PATH, AT_FDCWD, ATTEMPTS, CAPABILITIES, DUMPABLE, LANDLOCK, NAMESPACES, O_DIRECTORY, RLIMITS, ROOT,
                           Attempt, attempt)
from cage.program import THE_CONNECTION, THE_OUTPUT, Program
from cage.world import BOBS_SECRET, Seen, World

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIGSTOP, SIGCHLD = 19, 17


def tiny_program() -> bytes:
    """An ELF file that needs no other file and no system call: it runs in a circle until it is ended."""
    code = b"\xeb\xfe"
    base, head = 0x400000, 120
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + head, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return elf + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, head + len(code), head + len(code), 0x1000) + code


@attempt("become another program", "execve", LANDLOCK, ROOT)
def execute_program(p, w):
    program = w.folder / "tiny"
    program.write_bytes(tiny_program())
    program.chmod(0o755)
    p.call("@report")
    p.call("execve", p.text(program), 0, 0)
    return lambda report, worker: worker.becomes(lambda: os.readlink(worker.path / "exe") == str(program))


@attempt("become a program that it made in memory", "memfd_create execveat")
def execute_memory(p, w):
    image = p.data(tiny_program())
    file = p.call("memfd_create", p.text("cage"), 0)
    p.call("write", file, image, len(image.content))
    p.call("@report")
    p.call("execveat", file, p.text(""), 0, 0, AT_EMPTY_PATH)
    return lambda report, worker: worker.becomes(lambda: "memfd:cage" in os.readlink(worker.path / "exe"))


@attempt("make machine code and run it", "mmap")
def run_new_code(p, w):
    page = p.call("mmap", 0, 4096, 7, 0x22, -1, 0)
    p.store(page, 0x00c3_0000_1234_b8 & 0xffffffffffff, 6)  # mov eax, 0x1234; ret
    result = p.call("@jump", page)
    return lambda report, worker: report.result(result) == 0x1234


@attempt("make its own memory executable", "mprotect")
def make_code_executable(p, w):
    page = p.call("mmap", 0, 4096, 3, 0x22, -1, 0)
    p.call("mprotect", page, 4096, 5)
    return lambda report, worker: any(line.startswith(f"{report.result(page):x}-") and " r-xp" in line
                                      for line in (worker.path / "maps").read_text().splitlines())


@attempt("map a file", "mmap")
def map_output(p, w):
    p.call("pwrite64", THE_OUTPUT, p.room(4096), 4096, 0)
    p.call("mmap", 0, 4096, 2, 1, THE_OUTPUT, 0)
    return lambda report, worker: "/incoming/" in (worker.path / "maps").read_text()


@attempt("start a process", "clone")
def fork(p, w):
    p.call("clone", SIGCHLD, 0, 0, 0, 0)
    return lambda report, worker: worker.kill_children() > 0


@attempt("start a process by fork(2)", "fork")
def fork_by_fork(p, w):
    p.call("fork")
    return lambda report, worker: worker.kill_children() > 0


@attempt("start a process by clone3", "clone3")
def fork_by_clone3(p, w):
    arguments = p.data(struct.pack("<8Q", 0, 0, 0, 0, SIGCHLD, 0, 0, 0))
    p.call("clone3", arguments, 64)
    return lambda report, worker: worker.kill_children() > 0


@attempt("start a thread", "clone")
def start_thread(p, w):
    stack = p.room(16384)
    p.call("@thread", stack, 16384)
    return lambda report, worker: len(list(worker.path.glob("task/*"))) == 2


@attempt("take more memory than a worker may have", "", RLIMITS)
def take_memory(p, w):
    for _ in range(5):
        p.call("mmap", 0, 1 << 30, 3, 0x4022, -1, 0)  # not reserved, but counted
    return lambda report, worker: int(worker.status("VmData").split()[0]) > 4 << 20


@attempt("open more descriptors than a worker may have", "", RLIMITS)
def take_descriptors(p, w):
    p.call("@descriptors", 1000)
    return lambda report, worker: len(worker.descriptors()) > 1000


@attempt("change a limit of its own", "prlimit64")
def change_limit(p, w):
    p.call("prlimit64", 0, resource.RLIMIT_STACK, p.data(struct.pack("<QQ", 1 << 40, (1 << 64) - 1)), 0)
    return lambda report, worker: worker.limits()["Max stack size"] == str(1 << 40)


@attempt("leave a core file with its memory", "", RLIMITS, DUMPABLE, LANDLOCK, ROOT, may_lack=True)
def dump_core(p, w):
    for core in pathlib.Path.cwd().glob("core*"):
        core.unlink()
    p.wait()
    p.call("@abort")

    def seen(report, worker):
        if RLIMITS not in worker.locks:  # what the server gives up for its children is given back, where that is permitted
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(worker.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        worker.go_on()
        return worker.ended() and any(pathlib.Path.cwd().glob("core*"))
    return seen


@attempt("make new user and mount namespaces", "unshare", NAMESPACES)
def new_namespaces(p, w):
    p.wait()
    p.call("unshare", CLONE_NEWUSER)

    def seen(report, worker):
        before = os.readlink(worker.path / "ns" / "user")
        return worker.go_on() is not None and os.readlink(worker.path / "ns" / "user") != before
    return seen


@attempt("enter another worker's network namespace", "pidfd_open setns", LANDLOCK, CAPABILITIES, NAMESPACES, root_only=True)
def enter_namespace(p, w):
    p.call("setns", p.call("pidfd_open", w.bob.pid, 0), CLONE_NEWNET)
    return lambda report, worker: os.readlink(worker.path / "ns/net") == os.readlink(w.bob.path / "ns/net") != \
        os.readlink(w.server.path / "ns/net")


@attempt("change the user", "setuid", CAPABILITIES, NAMESPACES, root_only=True)
def change_user(p, w):
    p.call("setuid", 65534)
    return lambda report, worker: worker.status("Uid").split()[0] == "65534"


@attempt("raise capabilities", "capset", CAPABILITIES, root_only=True)
def raise_capabilities(p, w):
    head, all_of_them = p.data(struct.pack("<Ii", 0x20080522, 0)), p.data(struct.pack("<6I", 0x1, 0x1, 0, 0, 0, 0))
    p.call("capset", head, all_of_them)
    return lambda report, worker: int(worker.status("CapEff"), 16) & 1 == 1


@attempt("change the host's name", "sethostname", CAPABILITIES, NAMESPACES, root_only=True)
def change_host_name(p, w):
    p.call("sethostname", p.text("cage-was-here"), 13)

    def seen(report, worker):
        if socket.gethostname() != "cage-was-here":
            return False
        socket.sethostname("cage")
        return True
    return seen


@attempt("behave like another kind of process", "personality")
def change_personality(p, w):
    p.call("personality", 0x0040000)
    return lambda report, worker: int((worker.path / "personality").read_text(), 16) == 0x0040000


@attempt("take another name in the process list", "prctl")
def change_name(p, w):
    p.call("prctl", 15, p.text("restanted"), 0, 0, 0)
    return lambda report, worker: worker.status("Name") == "restanted"


@attempt("load another filter beside the one that holds it", "seccomp")
def change_filter(p, w):
    code = p.data(struct.pack("<HBBI", 6, 0, 0, 0x7fff0000))  # allow everything
    program = p.data(struct.pack("<HxxxxxxQ", 1, 0))
    p.pointer(program, 8, code)
    p.call("seccomp", 1, 0, program)
    return lambda report, worker: int(worker.status("Seccomp_filters")) == w.filters + 1


def stops(name: str, what: str, calls: str, send: typing.Callable, victim: str, *locks: str):
    """An attempt to send SIGSTOP; seen by the victim's state."""
    def build(p: Program, w: World):
        target: Seen = getattr(w, victim)
        target.wake()
        send(p, target.pid)
        return lambda report, worker: worker.becomes(target.stopped, 0 if report.error else 1) and target.wake()
    ATTEMPTS.append(Attempt(name, what, tuple(calls.split()), locks, build))


stops("kill-server", "signal the server", "kill", lambda p, pid: p.call("kill", pid, SIGSTOP), "server", LANDLOCK)
stops("kill-worker", "signal another account's worker", "kill", lambda p, pid: p.call("kill", pid, SIGSTOP), "bob", LANDLOCK)
stops("tgkill-server", "signal the server by tgkill", "tgkill", lambda p, pid: p.call("tgkill", pid, pid, SIGSTOP), "server", LANDLOCK)
stops("tkill-worker", "signal the other worker by tkill", "tkill", lambda p, pid: p.call("tkill", pid, SIGSTOP), "bob", LANDLOCK)
stops("queue-signal", "signal the other worker by rt_sigqueueinfo", "rt_sigqueueinfo",
      lambda p, pid: p.call("rt_sigqueueinfo", pid, SIGSTOP, p.data(struct.pack("<iii", SIGSTOP, 0, -1) + bytes(116))), "bob", LANDLOCK)
stops("pidfd-signal", "signal the server through a pidfd", "pidfd_open pidfd_send_signal",
      lambda p, pid: p.call("pidfd_send_signal", p.call("pidfd_open", pid, 0), SIGSTOP, 0, 0), "server", LANDLOCK)


def by_io(p: Program, w: World, set_owner: typing.Callable):
    # Bytes that arrive at the connection send the owner a signal (fcntl(2), F_SETOWN, F_SETSIG).
    w.bob.wake()
    set_owner(w.bob.pid)
    p.call("fcntl", THE_CONNECTION, 10, SIGSTOP)
    p.call("fcntl", THE_CONNECTION, 4, 0o20000 | 0o4000)
    p.wait()

    def seen(report, worker):
        if report.error:
            return False
        worker.go_on()
        return worker.becomes(w.bob.stopped, 0.3) and w.bob.wake()
    return seen


@attempt("have the kernel signal another worker (F_SETOWN)", "fcntl", LANDLOCK)
def signal_by_owner(p, w):
    return by_io(p, w, lambda pid: p.call("fcntl", THE_CONNECTION, 8, pid))


@attempt("the same by ioctl (FIOSETOWN)", "ioctl fcntl", LANDLOCK)
def signal_by_ioctl(p, w):
    return by_io(p, w, lambda pid: p.call("ioctl", THE_CONNECTION, 0x8901, p.data(struct.pack("<i", pid))))


def traces(name: str, what: str, victim: str):
    def build(p: Program, w: World):
        target: Seen = getattr(w, victim)
        p.call("ptrace", 0x4206, target.pid, 0, 0)  # PTRACE_SEIZE
        return lambda report, worker: target.tracer() == worker.pid
    ATTEMPTS.append(Attempt(name, what, ("ptrace",), (LANDLOCK, CAPABILITIES, NAMESPACES), build, True))


traces("trace-server", "trace the server", "server")
traces("trace-worker", "trace another account's worker", "bob")


@attempt("read another worker's memory", "process_vm_readv", LANDLOCK, CAPABILITIES, NAMESPACES, root_only=True)
def read_memory(p, w):
    stolen, here, there = p.room(len(BOBS_SECRET)), p.room(16), p.data(struct.pack("<QQ", w.bobs_address, len(BOBS_SECRET)))
    p.pointer(here, 0, stolen)
    p.store(here.at(8), len(BOBS_SECRET), 8)
    p.call("process_vm_readv", w.bob.pid, here, 1, there, 1, 0)
    return lambda report, worker: report.bytes(stolen) == BOBS_SECRET.encode()


@attempt("write into another worker's memory", "process_vm_writev", LANDLOCK, CAPABILITIES, NAMESPACES, root_only=True)
def write_memory(p, w):
    forged, here, there = p.text("forged"), p.room(16), p.data(struct.pack("<QQ", w.bobs_address + 32, 6))
    p.pointer(here, 0, forged)
    p.store(here.at(8), 6, 8)
    p.call("process_vm_writev", w.bob.pid, here, 1, there, 1, 0)

    def seen(report, worker):
        with open(w.bob.path / "mem", "r+b", buffering=0) as memory:
            memory.seek(w.bobs_address + 32)
            found = memory.read(6) == b"forged"
            memory.seek(w.bobs_address + 32)
            memory.write(bytes(6))
        return found
    return seen


@attempt("open another worker's /proc/PID/mem", "openat", LANDLOCK, ROOT, CAPABILITIES, NAMESPACES, root_only=True)
def read_proc_memory(p, w):
    stolen = p.room(len(BOBS_SECRET))
    p.call("pread64", p.call("openat", AT_FDCWD, p.text(f"/proc/{w.bob.pid}/mem"), 0), stolen, len(BOBS_SECRET), w.bobs_address)
    return lambda report, worker: report.bytes(stolen) == BOBS_SECRET.encode()


@attempt("read the server's environment", "openat", LANDLOCK, ROOT, CAPABILITIES, NAMESPACES, root_only=True)
def read_environment(p, w):
    stolen = p.room(16)
    p.call("read", p.call("openat", AT_FDCWD, p.text(f"/proc/{w.server.pid}/environ"), 0), stolen, 16)
    return lambda report, worker: report.bytes(stolen) == (w.server.path / "environ").read_bytes()[:16]


@attempt("take a descriptor from the server: its database", "pidfd_open pidfd_getfd", LANDLOCK, CAPABILITIES, NAMESPACES, root_only=True)
def steal_descriptor(p, w):
    number = next(fd for fd, path in w.server.descriptors().items() if path.endswith("/restante.db"))
    stolen = p.room(16)
    p.call("pread64", p.call("pidfd_getfd", p.call("pidfd_open", w.server.pid, 0), number, 0), stolen, 16, 0)
    return lambda report, worker: report.bytes(stolen).startswith(b"SQLite format 3")


@attempt("list the processes", "openat getdents64", LANDLOCK, ROOT)
def list_processes(p, w):
    names = p.room(32768)
    p.call("getdents64", p.call("openat", AT_FDCWD, p.text("/proc"), O_DIRECTORY), names, 32768)
    return lambda report, worker: str(w.bob.pid).encode() + b"\0" in report.bytes(names)


@attempt("find another process by its session", "getsid")
def ask_for_session(p, w):
    session = p.call("getsid", w.bob.pid)
    return lambda report, worker: report.result(session) == os.getsid(w.bob.pid)


@attempt("make another worker slower", "setpriority")
def lower_priority(p, w):
    p.call("setpriority", 0, w.bob.pid, os.getpriority(os.PRIO_PROCESS, w.bob.pid) + 1)
    before = os.getpriority(os.PRIO_PROCESS, w.bob.pid)
    return lambda report, worker: os.getpriority(os.PRIO_PROCESS, w.bob.pid) == before + 1


@attempt("take processors from another worker", "sched_setaffinity")
def change_affinity(p, w):
    before = os.sched_getaffinity(w.bob.pid)
    p.call("sched_setaffinity", w.bob.pid, 8, p.data(struct.pack("<Q", 1 << min(before))))

    def seen(report, worker):
        done = os.sched_getaffinity(w.bob.pid) == {min(before)} != before
        os.sched_setaffinity(w.bob.pid, before)
        return done
    return seen


@attempt("let another worker wait for everybody else", "sched_setscheduler")
def change_scheduler(p, w):
    p.call("sched_setscheduler", w.bob.pid, 3, p.data(bytes(8)))

    def seen(report, worker):
        done = os.sched_getscheduler(w.bob.pid) == os.SCHED_BATCH
        os.sched_setscheduler(w.bob.pid, os.SCHED_OTHER, os.sched_param(0))
        return done
    return seen


@attempt("take memory from another worker", "prlimit64")
def limit_other(p, w):
    resource.prlimit(w.bob.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    p.call("prlimit64", w.bob.pid, resource.RLIMIT_AS, p.data(struct.pack("<QQ", 1 << 40, (1 << 64) - 1)), 0)
    return lambda report, worker: w.bob.limits()["Max address space"] == str(1 << 40)


if platform.machine() != "x86_64":  # for others nobody has written the machine code
    ATTEMPTS[:] = [one for one in ATTEMPTS if one.name not in ("execute-program", "execute-memory", "run-new-code")]
