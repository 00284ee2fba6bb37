# SPDX-License-Identifier: Apache-2.0
"""Attempts on files."""
import ctypes
import os
import pathlib
import struct
import typing

from cage.attempts import (AT_EMPTY_PATH, AT_FDCWD, ATTEMPTS, CAPABILITIES, LANDLOCK, NAMESPACES, O_CREAT, O_DIRECTORY, O_WRONLY, ROOT,
                           Attempt, attempt)
from cage.program import THE_OUTPUT, Program, Report
from cage.world import Seen, World


def reads(path: typing.Callable, calls: str = "openat", what: str = ""):
    """An attempt to read that file; seen when its first bytes arrive at the attacker's server."""
    def build(p: Program, w: World):
        name, stolen = p.text(path(w)), p.room(24)
        got = p.call("read", p.call(calls, AT_FDCWD, name, 0) if calls == "openat" else p.call("open", name, 0), stolen, 24)

        def seen(report: Report, worker: Seen) -> bool:
            truth = pathlib.Path(path(w)).read_bytes()[:24]
            return len(truth) > 3 and report.result(got) == len(truth) and report.bytes(stolen).startswith(truth)
        return seen
    return build


def reading(name: str, what: str, path: typing.Callable, *more_locks: str, calls: str = "openat"):
    build = reads(path, calls)
    ATTEMPTS.append(Attempt(name, what, (calls,), (LANDLOCK, ROOT, *more_locks), build))


reading("read-passwd", "open /etc/passwd and send it home", lambda w: "/etc/passwd")
reading("read-by-open", "the same by open(2)", lambda w: str(w.secret), calls="open")
reading("read-database", "open the server's database", lambda w: str(w.place.data / "restante.db"))
reading("read-master-key", "open a key of the server", lambda w: str(next(p for p in (w.place.data / "keys").iterdir() if p.is_file())))
reading("read-other-account", "open what another account downloads", lambda w: w.bobs_file)
reading("read-own-program", "open /proc/self/exe", lambda w: str(w.binaries / "tests" / "restante-transfer-hostile"))


@attempt("openat2 of a file", "openat2", LANDLOCK, ROOT)
def open_by_openat2(p, w):
    name, how, stolen = p.text(w.secret), p.room(24), p.room(24)
    p.call("read", p.call("openat2", AT_FDCWD, name, how, 24), stolen, 24)
    return lambda report, worker: report.bytes(stolen) == w.secret.read_bytes()[:24]


@attempt("open a file by its handle, on the file system of the output file", "name_to_handle_at open_by_handle_at", LANDLOCK,
         CAPABILITIES, NAMESPACES, root_only=True)
def open_by_handle(p, w):
    # The handle is made outside: an attacker would guess its few bytes (inode and generation).
    handle, stolen = p.data(file_handle(w.secret)), p.room(24)
    p.call("read", p.call("open_by_handle_at", THE_OUTPUT, handle, 0), stolen, 24)
    return lambda report, worker: report.bytes(stolen) == w.secret.read_bytes()[:24]


def file_handle(path) -> bytes:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = ctypes.create_string_buffer(struct.pack("<Ii", 128, 0) + bytes(128), 136)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(AT_FDCWD, str(path).encode(), handle, ctypes.byref(mount), 0) != 0:
        raise OSError(ctypes.get_errno(), "name_to_handle_at")
    return handle.raw


@attempt("list a folder of the server", "openat getdents64", LANDLOCK, ROOT)
def list_folder(p, w):
    names = p.room(4096)
    p.call("getdents64", p.call("openat", AT_FDCWD, p.text(w.place.data), O_DIRECTORY), names, 4096)
    return lambda report, worker: b"restante.db" in report.bytes(names)


@attempt("ask whether a file exists, and its size", "newfstatat", ROOT)
def stat_file(p, w):
    info = p.room(144)
    p.call("newfstatat", AT_FDCWD, p.text(w.secret), info, 0)
    return lambda report, worker: struct.unpack_from("<Q", report.bytes(info), 48)[0] == w.secret.stat().st_size


@attempt("ask by statx", "statx", ROOT)
def statx_file(p, w):
    info = p.room(256)
    p.call("statx", AT_FDCWD, p.text(w.secret), 0, 0x7ff, info)
    return lambda report, worker: struct.unpack_from("<Q", report.bytes(info), 40)[0] == w.secret.stat().st_size


@attempt("read a symbolic link", "readlinkat", ROOT)
def read_link(p, w):
    link, target = w.folder / "link", p.room(64)
    if not link.is_symlink():
        link.symlink_to("to-nobody")
    p.call("readlinkat", AT_FDCWD, p.text(link), target, 64)
    return lambda report, worker: report.bytes(target).startswith(b"to-nobody")


def makes(name: str, what: str, call: str, arguments: typing.Callable, *locks: str):
    """An attempt to make a file; seen by the file."""
    def build(p: Program, w: World):
        path = w.folder / f"made-by-{name}"
        if os.path.lexists(path):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        p.call(call, *arguments(p, w, path))
        return lambda report, worker: os.path.lexists(path)
    ATTEMPTS.append(Attempt(name, what, (call,), locks, build))


makes("make-file", "make a file", "openat", lambda p, w, path: (AT_FDCWD, p.text(path), O_CREAT | O_WRONLY, 0o600), LANDLOCK, ROOT)
makes("make-file-by-creat", "the same by creat(2)", "creat", lambda p, w, path: (p.text(path), 0o600), LANDLOCK, ROOT)
makes("make-folder", "make a folder", "mkdirat", lambda p, w, path: (AT_FDCWD, p.text(path), 0o700), LANDLOCK, ROOT)
makes("make-symlink", "make a symbolic link", "symlinkat", lambda p, w, path: (p.text("/etc"), AT_FDCWD, p.text(path)), LANDLOCK, ROOT)
makes("make-hard-link", "link another account's file", "linkat",
      lambda p, w, path: (AT_FDCWD, p.text(w.bobs_file), AT_FDCWD, p.text(path), 0), LANDLOCK, ROOT)
makes("make-pipe", "make a named pipe", "mknodat", lambda p, w, path: (AT_FDCWD, p.text(path), 0o010600, 0), LANDLOCK, ROOT)
makes("link-the-output", "give the output file a name", "linkat",
      lambda p, w, path: (THE_OUTPUT, p.text(""), AT_FDCWD, p.text(path), AT_EMPTY_PATH), LANDLOCK, ROOT, CAPABILITIES, NAMESPACES)


def changes(name: str, what: str, call: str, arguments: typing.Callable, changed: typing.Callable, *locks: str):
    """An attempt to change a file that lies there; seen by the file."""
    def build(p: Program, w: World):
        path = w.folder / f"for-{name}"
        path.write_bytes(b"as it was")
        os.chmod(path, 0o600)
        p.call(call, *arguments(p, path))
        return lambda report, worker: changed(path)
    ATTEMPTS.append(Attempt(name, what, (call,), locks, build))


changes("unlink-file", "remove a file", "unlinkat", lambda p, path: (AT_FDCWD, p.text(path), 0), lambda path: not path.exists(), LANDLOCK,
        ROOT)
changes("rename-file", "rename a file", "renameat2", lambda p, path: (AT_FDCWD, p.text(path), AT_FDCWD, p.text(f"{path}.moved"), 0),
        lambda path: not path.exists(), LANDLOCK, ROOT)
changes("truncate-file", "cut a file", "truncate", lambda p, path: (p.text(path), 0), lambda path: path.stat().st_size == 0, LANDLOCK,
        ROOT)
changes("chmod-file", "open a file to everybody", "fchmodat", lambda p, path: (AT_FDCWD, p.text(path), 0o777),
        lambda path: path.stat().st_mode & 0o777 == 0o777, ROOT)
changes("utime-file", "change a file's time", "utimensat", lambda p, path: (AT_FDCWD, p.text(path), p.data(bytes(32)), 0),
        lambda path: path.stat().st_mtime == 0, ROOT)


@attempt("set an attribute of a file", "setxattr", ROOT)
def setxattr_file(p, w):
    path = w.folder / "for-setxattr"
    path.unlink(missing_ok=True)
    path.write_bytes(b"")
    p.call("setxattr", p.text(path), p.text("user.cage"), p.text("x"), 1, 0)
    return lambda report, worker: "user.cage" in os.listxattr(path)


def of_output(worker: Seen) -> pathlib.Path:
    return pathlib.Path(next(path for path in worker.descriptors().values() if "/incoming/" in path))


@attempt("open its own output file to everybody", "fchmod")
def chmod_output(p, w):
    p.call("fchmod", THE_OUTPUT, 0o666)
    return lambda report, worker: of_output(worker).stat().st_mode & 0o777 == 0o666


@attempt("make its output file huge at once", "fallocate")
def allocate_output(p, w):
    p.call("fallocate", THE_OUTPUT, 0, 0, 64 << 20)
    return lambda report, worker: of_output(worker).stat().st_blocks * 512 >= 64 << 20


@attempt("cut or stretch its output file", "ftruncate")
def truncate_output(p, w):
    p.call("ftruncate", THE_OUTPUT, 1 << 40)
    return lambda report, worker: of_output(worker).stat().st_size == 1 << 40


@attempt("watch what happens in another account's folder", "inotify_init1 inotify_add_watch", ROOT)
def watch_folder(p, w):
    watch = p.call("inotify_init1", 0)
    p.call("inotify_add_watch", watch, p.text(pathlib.Path(w.bobs_file).parent), 0xfff)
    p.wait()
    events = p.room(256)
    p.call("read", watch, events, 256)

    def seen(report, worker):
        (pathlib.Path(w.bobs_file).parent / "hers.tmp").touch()
        report = worker.go_on()
        (pathlib.Path(w.bobs_file).parent / "hers.tmp").unlink()
        return report is not None and b"hers.tmp" in report.bytes(events)
    return seen


@attempt("change the working directory", "chdir", ROOT)
def change_directory(p, w):
    p.call("chdir", p.text(w.folder))
    return lambda report, worker: os.readlink(worker.path / "cwd") == str(w.folder)


@attempt("change the root", "chroot", CAPABILITIES, ROOT, root_only=True)
def change_root(p, w):
    p.call("chroot", p.text(w.folder))
    return lambda report, worker: os.readlink(worker.path / "root") == str(w.folder)


@attempt("mount a file system", "mount", CAPABILITIES, LANDLOCK, root_only=True)
def mount(p, w):
    p.call("mount", p.text("cage"), p.text("/"), p.text("tmpfs"), 0, 0)
    return lambda report, worker: "cage / tmpfs" in (worker.path / "mounts").read_text()


@attempt("make a file system by the newer calls", "fsopen", CAPABILITIES, root_only=True)
def open_file_system(p, w):
    p.call("fsopen", p.text("tmpfs"), 0)
    return lambda report, worker: any("fscontext" in path for path in worker.descriptors().values())
