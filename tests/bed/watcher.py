# SPDX-License-Identifier: Apache-2.0
"""Who writes where: every file that some processes make, change, rename or remove anywhere on a file system (fanotify)."""
import ctypes
import os
import pathlib
import select
import struct
import threading

from .process import BedError, wait_until

CLOEXEC, NONBLOCK, UNLIMITED_QUEUE, REPORT_DFID_NAME = 0x01, 0x02, 0x10, 0xC00
MARK_ADD, MARK_FILESYSTEM = 0x01, 0x100
MODIFY, ATTRIB, MOVED_FROM, MOVED_TO, CREATE, DELETE, ONDIR = 0x02, 0x04, 0x40, 0x80, 0x100, 0x200, 0x40000000
OVERFLOW = 0x4000
INFO_DFID_NAME, INFO_DFID = 2, 3
AT_FDCWD = -100

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise BedError(f"{what}: {os.strerror(error)}; this takes root and a kernel with fanotify (5.9 or later)")
    return result


class Watcher:
    """Notes the paths that are written to, on the file systems of `roots`, until stop(): those of which `noted(pid, path)`."""

    def __init__(self, roots: list, noted):
        self.noted, self.paths, self._mounts = noted, set(), {}
        self.fd = _checked(libc.fanotify_init(CLOEXEC | NONBLOCK | UNLIMITED_QUEUE | REPORT_DFID_NAME, os.O_RDONLY), "fanotify_init")
        for root in roots:
            mask = MODIFY | ATTRIB | MOVED_FROM | MOVED_TO | CREATE | DELETE | ONDIR
            _checked(libc.fanotify_mark(self.fd, MARK_ADD | MARK_FILESYSTEM, ctypes.c_uint64(mask), AT_FDCWD, os.fsencode(root)),
                     f"fanotify_mark {root}")
            handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            self._mounts[_fsid(root)] = handle
        self._folders: dict[bytes, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> set[str]:
        """Everything that was written until now."""
        # A change of our own that is seen last: nothing before it is still on its way.
        mark = pathlib.Path(f"/tmp/restante-watcher-{os.getpid()}-{id(self)}")
        self._mark = str(mark)
        mark.write_text("")
        mark.unlink()
        wait_until("the watcher's own mark", lambda: self._mark_seen, 30)
        self._stop.set()
        self._thread.join()
        for handle in self._mounts.values():
            os.close(handle)
        os.close(self.fd)
        return self.paths

    _mark: str | None = None
    _mark_seen = False

    def _run(self) -> None:
        while not self._stop.is_set():
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self._take(os.read(self.fd, 1 << 18))
                except BlockingIOError:
                    pass

    def _take(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            length, _, _, metadata, mask, _, pid = struct.unpack_from("=IBBHQii", data, at)
            if mask & OVERFLOW:
                raise BedError("fanotify lost events")
            path = self._path(data[at + metadata:at + length])
            self._mark_seen = self._mark_seen or path == self._mark
            if path != self._mark and self.noted(pid, path):
                self.paths.add(path)
            at += length

    def _path(self, info: bytes) -> str:
        kind, _, length = struct.unpack_from("=BBH", info)
        if kind not in (INFO_DFID_NAME, INFO_DFID):
            return f"an event without a name ({kind})"
        fsid, (size, handle_type) = info[4:12], struct.unpack_from("=Ii", info, 12)
        handle = info[12:20 + size]
        name = os.fsdecode(info[20 + size:length].split(b"\0")[0])
        folder = self._folders.get(fsid + handle)
        if folder is None:
            folder = self._folder(fsid, handle)
        return folder if name in ("", ".") else f"{folder}/{name}"

    def _folder(self, fsid: bytes, handle: bytes) -> str:
        buffer = ctypes.create_string_buffer(handle, len(handle))
        fd = libc.open_by_handle_at(self._mounts.get(fsid, -1), buffer, os.O_PATH)
        if fd < 0:
            return "a folder that is gone"
        path = os.readlink(f"/proc/self/fd/{fd}")
        os.close(fd)
        return path


def _fsid(path) -> bytes:
    buffer = ctypes.create_string_buffer(256)
    _checked(libc.statfs(os.fsencode(path), buffer), f"statfs {path}")
    return buffer.raw[56:64]


class ProcessTree:
    """Whether a process is one of `roots` or descends from one; remembers those that have ended."""

    def __init__(self, *roots: int):
        self.known: dict[int, bool] = {pid: True for pid in roots}

    def add(self, pid: int) -> None:
        self.known[pid] = True

    def __call__(self, pid: int) -> bool:
        if pid not in self.known:
            parent = _parent(pid)
            self.known[pid] = parent > 1 and self(parent)
        return self.known[pid]


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return int(stat.read().rsplit(b")", 1)[1].split()[1])
    except OSError:
        return 0
