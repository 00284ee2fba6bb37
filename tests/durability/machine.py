# SPDX-License-Identifier: Apache-2.0
"""A machine that can lose its power: disks of our own (ext4, XFS), a boot id of our own, and a library that injects faults.

Everything lives in a private mount namespace: when this program ends, however it ends, the mounts and loop devices go with it.
Needs root, as mounting does.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import subprocess
import uuid

from bed.process import BedError, wait_until

CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_BIND, MS_NOATIME = 0x20000, 0x4000, 1 << 18, 0x1000, 1024
BOOT_ID = "/proc/sys/kernel/random/boot_id"
SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN: what `xfs_io -x -c shutdown` calls
WITHOUT_LOG = 2  # FS_SHUTDOWN_FLAGS_NOLOGFLUSH: what is not on the disk yet never comes there
HERE = pathlib.Path(__file__).resolve().parent
libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise BedError(f"{what}: {os.strerror(error)} (this test needs root, and is never left out)")


def _mount(source, target, kind, flags, options="") -> None:
    _check(libc.mount(str(source).encode(), str(target).encode(), kind.encode(), flags, options.encode()), f"mount {source} {target}")


class Machine:
    """One for the whole program: the namespace, the boot id, the library."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _check(libc.unshare(CLONE_NEWNS), "a mount namespace")
        _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "private mounts")
        self._boot_id = folder / "boot_id"
        self.boot()
        _mount(self._boot_id, BOOT_ID, "", MS_BIND)
        self.library = folder / "faults.so"
        subprocess.run(["clang-19", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-o", self.library, HERE / "preload.c"], check=True)

    def boot(self) -> None:
        """After a loss of power the kernel has another boot id; a server reads it at its start."""
        self._boot_id.write_text(f"{uuid.uuid4()}\n")

    def faults(self, *commands: str) -> dict:
        """The environment of a program with these faults (preload.c tells them)."""
        return {"LD_PRELOAD": str(self.library), "RESTANTE_FAULTS": ";".join(commands)}


class Disk:
    """A file system of its own in a sparse image on the real disk."""

    def __init__(self, folder: pathlib.Path, kind: str, size_mib: int = 4096):
        self.kind, self.folder, self.target = kind, folder, folder / "disk"
        self.target.mkdir(parents=True)
        self.image = folder / f"{kind}.img"
        with open(self.image, "wb") as image:
            image.truncate(size_mib << 20)
        make = {"ext4": ["mkfs.ext4", "-q", "-F", "-N", "16384", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
                "xfs": ["mkfs.xfs", "-q", "-f"]}[kind]
        subprocess.run([*make, self.image], check=True, capture_output=True)
        self.mount()

    def mount(self) -> None:
        # util-linux finds a loop device and lets it go by itself at umount.
        options = "loop,noatime" + (",data=ordered" if self.kind == "ext4" else "")
        done = subprocess.run(["mount", "-n", "-t", self.kind, "-o", options, self.image, self.target], capture_output=True, text=True)
        if done.returncode != 0:
            raise BedError(f"mounting {self.kind} failed: {done.stderr.strip()} (this test needs root, and is never left out)")

    def unmount(self) -> None:
        """Returns when the kernel has let the disk go: a worker that was killed holds it a moment longer, in its own namespace."""
        wait_until(f"the unmounting of {self.target}", lambda: libc.umount2(str(self.target).encode(), 0) == 0, 20, 0.005)
        wait_until(f"the end of {self.image}", lambda: not self._held(), 20, 0.002)

    def _held(self) -> bool:
        for backing in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):  # another one's loop device that ends just now
                if backing.read_text().strip() == str(self.image):
                    return True
        return False

    def cut(self) -> None:
        """The power goes: from now on nothing reaches the disk, and every call answers with an error."""
        handle = os.open(self.target, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUTDOWN, WITHOUT_LOG.to_bytes(4, "little"))
        finally:
            os.close(handle)
