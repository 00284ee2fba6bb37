#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/Containerfile, built and run by podman as compose.yaml says: read-only, no capabilities, no new privileges, two volumes.

Part of ./dev soak (needs root, podman, runc, debootstrap). There is no registry here: the base image is made by debootstrap under
the name that the Containerfile asks for. The container uses this machine's network, and gives no resources back to cgroups.
"""
import argparse
import hashlib
import json
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]
import package as packaging  # noqa: E402
from bed.content import ContentServer, make_file  # noqa: E402
from bed.process import free_port, wait_until  # noqa: E402

BASE = "docker.io/library/debian:12-slim"


class Podman:
    """Podman with its storage in one folder."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.command = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs",
                        "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc"]

    def run(self, *arguments: str, check: bool = True, timeout: float = 600, **options) -> subprocess.CompletedProcess:
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, errors="replace", timeout=timeout, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)} exited {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options.add_argument("--package", type=pathlib.Path, help="a package that is there already")
    options.add_argument("--base", type=pathlib.Path, help="a bare root that is there already, instead of a new one")
    chosen = options.parse_args()
    begin = time.monotonic()
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-container-", dir="/var/tmp"))
    podman, rows, content = Podman(work / "podman"), {}, None

    def row(name: str, holds: object, told: object = "") -> None:
        rows[name] = bool(holds)
        print(f"  {'ok  ' if holds else 'FAIL'}  {name}" + (f"  ({told})" if told != "" else ""), flush=True)

    try:
        context = work / "context"
        context.mkdir()
        if chosen.package:
            shutil.copy(chosen.package, context / "restante_0_amd64.deb")
        else:
            packaging.make(chosen.build.resolve(), context)
        base = chosen.base or work / "base"
        if not chosen.base:
            subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(base)], check=True, stdout=subprocess.DEVNULL)
        archive = work / "base.tar"
        subprocess.run(["tar", "-C", base, "--exclude=./proc/*", "--exclude=./sys/*", "--exclude=./dev/*", "-cf", archive, "."], check=True)
        podman.run("import", str(archive), BASE)
        archive.unlink()
        # This machine's package sources, for the steps that install; nothing of them stays in the image.
        podman.run("build", "--isolation", "chroot", "--pull=never", "--network", "host", "-v", "/etc/apt:/etc/apt:ro", "-t", "restante", "-f",
                   str(ROOT / "packaging" / "Containerfile"), str(context))
        row("the Containerfile builds", True)

        port = free_port()
        config = work / "restante.toml"
        config.write_text(f'[listen]\npublic_url = "https://127.0.0.1:{port}"\n[areas]\npath = "/srv/restante/{{user}}"\n'
                          '[address_guard]\nallow = ["127.0.0.0/8"]\n')
        files = min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        start = ["run", "-d", "--name", "place", "--network", "host", "--ulimit", f"nofile={files}:{files}", "--ulimit", "nproc=4096:4096",
                 "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                 "-v", "data:/var/lib/restante", "-v", "files:/srv/restante", "-v", f"{config}:/etc/restante/restante.toml:ro",
                 "restante", "serve", "--listen", f"0.0.0.0:{port}"]
        podman.run(*start)
        wait_until("the place", lambda: "listening on" in podman.run("logs", "place", check=False).stderr, 30, 0.2)
        row("it runs as the user 8470", podman.run("exec", "place", "id", "-u").stdout.strip() == "8470")
        health = ["curl", "-fsS", "--cacert", "/var/lib/restante/keys/ca.pem", "-o", "/dev/null", f"https://127.0.0.1:{port}/healthz"]
        row("the health check's question is answered", podman.run("exec", "place", *health, check=False).returncode == 0)

        podman.run("exec", "-i", "place", "restanted", "user", "add", "ana", "--password-stdin", input="correct horse battery\n")
        url = podman.run("exec", "place", "restanted", "pair", "ana").stdout.strip()
        row("its URL is the public one", url.startswith(f"https://127.0.0.1:{port}/pair#"), url.partition("#")[0])
        content = ContentServer(work / "content").start()
        digest = make_file(content.root / "film.bin", 5_000_000, 7)
        device = ["exec", "-e", "RESTANTE_HOME=/tmp/device", "place", "restante"]
        podman.run(*device, "place", "add", "home", url)
        sent = podman.run(*device, "send", f"{content.url}/film.bin", "--wait", "--max-attempts", "2", check=False, timeout=120)
        volume = pathlib.Path(podman.run("volume", "inspect", "files", "--format", "{{.Mountpoint}}").stdout.strip())
        film = volume / "ana" / "film.bin"
        row("a download lands on the other volume, with the right bytes",
            film.exists() and hashlib.sha256(film.read_bytes()).hexdigest() == digest, sent.stderr.strip().splitlines()[-1:])
        locks = re.findall(r"is ready; locks: (.*)", podman.run("logs", "place").stderr)
        row("the worker has at least the locks that need nothing of the container",
            locks and {"capabilities", "rlimits", "landlock", "seccomp"} <= set(locks[-1].split(", ")), locks[-1:])
        podman.run("stop", "-t", "10", "place")
        row("it stops by itself, in time", podman.run("inspect", "place", "--format", "{{.State.ExitCode}}").stdout.strip() == "0")
        podman.run("rm", "place")
        podman.run(*start)
        wait_until("the place", lambda: "listening on" in podman.run("logs", "place", check=False).stderr, 30, 0.2)
        row("another container with the same volumes finds everything",
            "ana" in podman.run("exec", "place", "restanted", "user", "list").stdout and film.exists())
    finally:
        if content:
            content.stop()
        podman.run("rm", "-f", "place", check=False)
        podman.run("system", "reset", "--force", check=False)
        shutil.rmtree(work, ignore_errors=True)
    failed = [name for name, holds in rows.items() if not holds]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    (ROOT / "docs" / "results" / "soak-container.json").write_text(
        json.dumps({"commit": commit, "seconds": round(time.monotonic() - begin), "locks": locks[-1:], "rows": rows}, indent=1) + "\n")
    print(f"container: {len(rows) - len(failed)} of {len(rows)} promises held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
