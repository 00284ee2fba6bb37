# SPDX-License-Identifier: Apache-2.0
"""A bare Debian 12 in a folder, started with its own systemd as process 1, in namespaces that go when we end.

Needs root and debootstrap. Debian packages come from this machine's own sources, before the start: the running system has
nothing but a loopback interface.
"""
import pathlib
import shutil
import subprocess
import time
import uuid

from .process import BedError, wait_until

PLACE = """
mount --bind "$R" "$R"; cd "$R"; mount -t proc proc proc
"""
WITH_NETWORK = PLACE + """
mount --rbind /sys sys; mount --rbind /dev dev; mount -t tmpfs tmpfs run; mkdir -p .old; pivot_root . .old; cd /; umount -l /.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 bash -ec "$CMD"
"""
BOOT = PLACE + """
mount -t sysfs sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup; mount -t tmpfs tmpfs dev -o mode=755
for one in null zero full random urandom tty; do touch dev/$one; mount --bind /dev/$one dev/$one; done
mkdir dev/pts dev/shm; mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666; mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd; mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs tmp
mkdir -p .old; pivot_root . .old; cd /; umount -l /.old
exec env -i container=restante PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null --show-status=false
"""
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]


class BareRoot:
    def __init__(self, root: pathlib.Path, include: tuple = ("systemd", "systemd-sysv", "dbus")):
        self.root, self.outer, self.init = root, None, 0
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(include)}", "bookworm", str(root)], check=True,
                       stdout=subprocess.DEVNULL)
        # There is no network to wait for.
        (root / "etc/systemd/system/systemd-networkd-wait-online.service").symlink_to("/dev/null")
        shutil.rmtree(root / "etc/apt")
        shutil.copytree("/etc/apt", root / "etc/apt", symlinks=True)
        for name in ("resolv.conf", "hosts"):
            shutil.copyfile(f"/etc/{name}", root / "etc" / name)
        (root / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n")  # not the first start

    def prepare(self, command: str, timeout: float = 900) -> str:
        """A command before the start, with this machine's network; no service is started by it."""
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        try:
            return _checked(command, subprocess.run(
                [*UNSHARE, "sh", "-ec", WITH_NETWORK], env={"R": str(self.root), "CMD": command, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout))
        finally:
            policy.unlink()

    def start(self, seconds: float = 60) -> "BareRoot":
        log = self.root.with_suffix(".boot")
        with open(log, "wb") as output:
            self.outer = subprocess.Popen([*UNSHARE, "--net", "--uts", "--ipc", "--cgroup", "sh", "-ec", BOOT],
                                          env={"R": str(self.root), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=output)
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        self.init = int(wait_until("the first process", lambda: children.read_text().strip() or None, seconds))

        def up():
            if self.outer.poll() is not None:
                raise BedError(f"the bare root did not start:\n{log.read_text(errors='replace')[-2000:]}")
            return self.run("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded")
        wait_until("systemd", up, seconds, 0.2)
        return self

    def run(self, command: str, input: str = "", check: bool = True, timeout: float = 300) -> subprocess.CompletedProcess:
        """A root's shell command in the running system."""
        done = subprocess.run(["nsenter", "--target", str(self.init), "--all", "env", "-i",
                               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
                               "DEBIAN_FRONTEND=noninteractive", "bash", "-c", command],
                              input=input, capture_output=True, text=True, errors="replace", timeout=timeout, cwd="/")
        if check:
            _checked(command, done)
        return done

    def stop(self) -> None:
        if self.outer:
            self.outer.kill()  # takes process 1 of the namespace along, and that all others
            self.outer.wait()
            self.outer = None

    def remove(self) -> None:
        self.stop()
        for _ in range(50):
            shutil.rmtree(self.root, ignore_errors=True)
            if not self.root.exists():
                return
            time.sleep(0.1)  # the last mounts go with the last process


def _checked(command: str, done: subprocess.CompletedProcess) -> str:
    if done.returncode != 0:
        raise BedError(f"{command!r} exited {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout
