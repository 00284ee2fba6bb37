#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README's two commands in a bare Debian 12 root, without init, from a path with a space, as root and as a user with
sudo. Part of ./dev soak (needs root and debootstrap; takes several minutes, most of it compiling twice).

The root's package sources and the authorities that npm trusts are this machine's own. pivot_root in namespaces of its own
makes user namespaces and `ip netns` work inside, and leaves no mount behind.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ENTER = """
mount --bind "$R" "$R"; cd "$R"; mount -t proc proc proc; mount --rbind /sys sys; mount --rbind /dev dev
mount -t tmpfs tmpfs run; mkdir -p .old; pivot_root . .old; cd /; umount -l /.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$H" LANG=C.UTF-8 npm_config_cafile=/etc/ssl/machine.crt \
  NODE_EXTRA_CA_CERTS=/etc/ssl/machine.crt $AS bash -c "$CMD"
"""
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # what this machine trusts: npm's registry may stand behind one of its own


def inside(root: pathlib.Path, command: str, log: pathlib.Path, user: str | None = None) -> int:
    become = f"setpriv --reuid={user} --regid={user} --init-groups" if user else ""
    home = f"/home/{user}" if user else "/root"
    with open(log, "ab") as output:
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-ec", ENTER],
                              env={"R": str(root), "CMD": command, "H": home, "AS": become, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                              stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode


def bare_root(root: pathlib.Path) -> None:
    subprocess.run(["debootstrap", "--variant=minbase", "--include=git", "bookworm", str(root)], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root / "etc/apt")
    shutil.copytree("/etc/apt", root / "etc/apt", symlinks=True)
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    (root / "etc/ssl").mkdir(exist_ok=True)
    shutil.copyfile(AUTHORITIES, root / "etc/ssl/machine.crt")
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("who", nargs="*", default=["root", "user"])
    chosen = options.parse_args()
    found = {}
    for who in chosen.who:
        work = pathlib.Path(tempfile.mkdtemp(prefix="restante-fresh-", dir="/var/tmp"))
        work.chmod(0o755)
        root, log = work / "root", work / "log"
        begin = time.monotonic()
        try:
            bare_root(root)
            user = None if who == "root" else "ana"
            if user:
                inside(root, "apt-get -qq update && apt-get -qq -y install --no-install-recommends sudo && useradd -m -s /bin/bash ana && "
                             "echo 'ana ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ana", log)
            home = root / ("home/ana" if user else "root")
            commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
            subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(home / "my restante")], check=True)
            if user:
                inside(root, "chown -R ana:ana '/home/ana/my restante'", log)
            status = inside(root, "cd ~/'my restante' && ./dev setup && ./dev demo", log, user)
            text = log.read_text(errors="replace")
            found[who] = {"commit": commit, "exit": status, "seconds": round(time.monotonic() - begin), "measured_link": "not measured" not in text,
                          "verified": "every file arrived, and its digest is right" in text}
            print(f"{who}: {json.dumps(found[who])}", flush=True)
            if status != 0:
                print(text[-6000:])
        finally:
            shutil.rmtree(work, ignore_errors=True)
    kept = ROOT / "docs" / "results" / "soak-fresh-root.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    earlier = json.loads(kept.read_text()) if kept.exists() else {}
    kept.write_text(json.dumps({**earlier, **found}, indent=1) + "\n")
    return 0 if all(row["exit"] == 0 and row["verified"] for row in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
