#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package's life on a bare Debian 12 with its own systemd: installed, used, upgraded, removed, installed again,
purged. Part of ./dev soak (needs root and debootstrap). docs/install.md is what is tried here.

Every row is a promise; the controls (rows that end in "(control)") show that its look can fail.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]
import package as packaging  # noqa: E402
from bed.bare_root import BareRoot  # noqa: E402
from bed.process import wait_until  # noqa: E402

LOCKS = "namespaces, root, capabilities, rlimits, landlock, seccomp"
CONTENT = "http://127.0.0.1"


class Life:
    def __init__(self, system: BareRoot):
        self.system, self.rows = system, {}

    def row(self, name: str, holds: bool, told: object = "") -> None:
        self.rows[name] = bool(holds)
        print(f"  {'ok  ' if holds else 'FAIL'}  {name}" + (f"  ({told})" if told != "" else ""), flush=True)

    def run(self, command: str, **options) -> subprocess.CompletedProcess:
        return self.system.run(command, **options)

    def out(self, command: str, **options) -> str:
        return self.run(command, **options).stdout.strip()

    def active(self) -> bool:
        return self.out("systemctl is-active restanted", check=False) == "active"

    def journal(self) -> str:
        return self.out("journalctl -q --sync; journalctl -q -u restanted -o cat", check=False)

    def restart(self) -> None:
        self.run("systemctl reset-failed restanted; systemctl restart restanted")

    def configure(self, text: str) -> None:
        self.run("cat > /etc/restante/restante.toml", input=text)

    def files(self) -> list[str]:
        return sorted(line.split("\t")[2] for line in self.out("restante files").splitlines())

    def publish(self, name: str, size: int) -> str:
        """A file of the content server; its digest."""
        content = hashlib.shake_128(name.encode()).digest(size)
        (self.system.root / "var/www/html" / name).write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def taken(self, name: str) -> str:
        self.run(f"rm -f /var/tmp/taken; restante get {name} -o /var/tmp/taken")
        return self.out("sha256sum /var/tmp/taken").split()[0]

    def last_locks(self) -> str:
        found = re.findall(r"worker \d+ of account \S+ is ready; locks: (.*)", self.journal())
        return found[-1] if found else ""


def install(life: Life, package: str) -> None:
    life.run(f"apt-get -qq install -y --no-install-recommends {package}")
    life.row("installed, the server runs and has told systemd so", life.active())
    life.row("it runs as its own user", life.out("ps -o user= -p $(systemctl show -P MainPID restanted)") == "restante")
    life.row("its data is its own alone", life.out("stat -c '%a %U:%G' /var/lib/restante") == "700 restante:restante")
    life.row("the journal tells each instant once, and where it listens",
             re.search(r"^listening on http://127\.0\.0\.1:8470$", life.journal(), re.M), life.journal().splitlines()[-2:])
    verified = life.run("systemd-analyze verify --man=no /lib/systemd/system/restanted.service", check=False)
    life.row("systemd finds no fault with the unit", verified.returncode == 0 and "restanted" not in verified.stderr, verified.stderr.strip())
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", life.out("systemd-analyze security --no-pager restanted", check=False))
    life.row("systemd-analyze security: at most 3.5", score and float(score.group(1)) <= 3.5, score and score.group(1))
    life.row("man pages are there", all(f"/{page}" in life.out("dpkg -L restante") for page in
                                        ("man1/restante.1.gz", "man8/restanted.8.gz", "man5/restante.toml.5.gz")))


def first_use(life: Life) -> None:
    life.run("restanted user add ana --password-stdin", input="correct horse battery\n")
    life.run(f"restante place add home '{life.out('restanted pair ana')}'")
    first = life.publish("film.bin", 30_000_000)
    refused = life.run(f"timeout 60 restante send {CONTENT}/film.bin --wait", check=False)
    life.row("this machine's own addresses are refused as long as nothing permits them", refused.returncode == 1 and "address" in refused.stderr + refused.stdout)
    life.configure('[address_guard]\nallow = ["127.0.0.0/8"]\n')
    life.restart()
    life.run(f"timeout 60 restante send {CONTENT}/film.bin --wait")
    life.row("/etc/restante/restante.toml is read; a download arrives with the right bytes", life.taken("film.bin") == first)
    life.row("the worker is caged by every lock under the unit's own", life.last_locks() == LOCKS, life.last_locks())
    life.run("mkdir -p /run/systemd/system/restanted.service.d && printf '[Service]\\nRestrictNamespaces=yes\\n' "
             "> /run/systemd/system/restanted.service.d/control.conf && systemctl daemon-reload")
    life.restart()
    life.publish("small.bin", 1000)
    life.run(f"timeout 60 restante send {CONTENT}/small.bin --wait")
    life.row("a unit that forbids namespaces costs these locks, and is seen (control)", "namespaces" not in life.last_locks(), life.last_locks())
    life.run("rm -r /run/systemd/system/restanted.service.d && systemctl daemon-reload")
    life.restart()


def operate(life: Life) -> None:
    life.configure('[address_guard]\nallow = ["127.0.0.0/8"]\n[areas]\npath = "/srv/media/{user}"\n')
    life.run("install -d -o restante -g restante /srv/media")
    life.restart()
    slides = life.publish("slides.bin", 3_000_000)
    life.run(f"timeout 60 restante send {CONTENT}/slides.bin --wait")
    there = life.out("sha256sum /srv/media/ana/slides.bin", check=False)
    life.row("an area below /srv can be written", there.startswith(slides), life.out("ls -lR /srv/media"))
    life.row("its data cannot be read by others", life.run("setpriv --reuid=nobody --clear-groups ls /var/lib/restante", check=False).returncode != 0)

    life.run("printf '[listen]\\nadresses = []\\n' > /etc/restante/restante.toml")
    life.run("systemctl restart restanted", check=False)
    wait_until("the refusal", lambda: life.out("systemctl is-failed restanted", check=False) == "failed", 20, 0.2)
    life.row("a wrong configuration is told in the journal, by line, and not tried again",
             "restante.toml line 2" in life.journal() and life.out("systemctl show -P NRestarts restanted") == "0"
             and life.out("systemctl show -P ExecMainStatus restanted") == "2", life.journal().splitlines()[-2:])
    life.configure('[address_guard]\nallow = ["127.0.0.0/8"]\n[areas]\npath = "/srv/media/{user}"\n')
    life.restart()

    before = life.out("systemctl show -P MainPID restanted")
    life.run("systemctl kill -s SIGKILL --kill-who=main restanted")
    # In this order: it counts as active for a moment after its end.
    wait_until("another server", lambda: life.out("systemctl show -P MainPID restanted") not in (before, "0") and life.active(), 30, 0.2)
    life.row("killed, it comes back by itself", "slides.bin" in life.files())

    life.run("systemctl stop restanted")
    life.run("restanted user add bob --password-stdin", input="correct horse battery\n")
    strangers = life.out("find /var/lib/restante ! -user restante")
    life.run("systemctl start restanted")
    life.row("root's commands while it is stopped leave nothing of root's behind", strangers == "" and life.active(), strangers)
    life.run("rm -f /var/tmp/backup && restanted backup /var/tmp/backup --passphrase-stdin", input="battery staple\n")
    life.run("install -d -o restante -g restante -m 700 /var/lib/restante-copy")
    life.run("restanted --data /var/lib/restante-copy restore /var/tmp/backup --passphrase-stdin", input="battery staple\n")
    strangers = life.out("find /var/lib/restante-copy ! -user restante")
    life.row("a backup that root puts back belongs to the folder's owner", strangers == "", strangers)
    life.run("rm -rf /var/lib/restante-copy /var/tmp/backup")
    life.run(f"timeout 60 restante send {CONTENT}/film.bin --at +2d --name later.bin")


def upgrade(life: Life, package: str) -> None:
    held = life.out("restante list")
    earlier = life.out("systemctl show -P MainPID restanted")
    life.run(f"dpkg --force-confold --install {package}")
    life.row("after the upgrade another server runs", life.active() and life.out("systemctl show -P MainPID restanted") != earlier)
    life.row("its configuration was kept as the operator wrote it", "/srv/media" in life.out("cat /etc/restante/restante.toml"))
    life.row("files, downloads and connected devices are as before", life.out("restante list") == held and "slides.bin" in life.files(), held)
    life.publish("after.bin", 100_000)
    life.run(f"timeout 60 restante send {CONTENT}/after.bin --wait")
    life.row("downloads go on", "after.bin" in life.files())


def remove(life: Life, package: str) -> None:
    files, seen = life.files(), life.out("md5sum /var/lib/restante/keys/identity.pem")
    life.run("apt-get -qq remove -y restante")
    left = life.out("ps -u restante -o pid=", check=False)
    life.row("removed, nothing of it runs, and data, configuration and user stay",
             left == "" and life.run("test -d /var/lib/restante -a -e /etc/restante/restante.toml && getent passwd restante && ! command -v restanted",
                                     check=False).returncode == 0, left)
    life.run(f"apt-get -qq install -y --no-install-recommends {package}")
    life.row("installed again, it finds its data", life.active() and life.files() == files
             and life.out("md5sum /var/lib/restante/keys/identity.pem") == seen)


def purge(life: Life) -> None:
    life.run("mkdir -p /srv/elsewhere /var/lib/restante/areas/mounted && echo mine > /srv/elsewhere/mine && "
             "ln -s /srv/elsewhere /var/lib/restante/areas/linked")
    life.run("apt-get -qq purge -y restante")
    left = life.out(r"find / -xdev \( -iname '*restante*' -o -nouser -o -nogroup \) ! -path '/srv/*' ! -path ~root/'*' ! -path '/proc/*' "
                    "! -path '/var/cache/apt/*' ! -path '/opt/*' ! -path '/run/*' ! -path '/tmp/*' ! -path '/sys/*' 2>/dev/null", check=False)
    life.row("purged, nothing of it is left", left == "", left)
    life.row("its user is gone", life.run("getent passwd restante; getent group restante", check=False).stdout == "")
    life.row("files in areas elsewhere, and what was linked, are untouched",
             life.run("test -s /srv/media/ana/slides.bin -a -s /srv/elsewhere/mine", check=False).returncode == 0)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options.add_argument("--older", type=pathlib.Path, help="a package of an earlier version to begin with, instead of this one's")
    options.add_argument("--newer", type=pathlib.Path, help="the package to upgrade to, instead of making it from --build")
    chosen = options.parse_args()
    begin = time.monotonic()
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-package-", dir="/var/tmp"))
    work.chmod(0o755)
    system = None
    # The working tree may get commits meanwhile: all packages carry the same instant.
    os.environ.setdefault("SOURCE_DATE_EPOCH", packaging.git("log", "-1", "--format=%ct"))
    try:
        new = chosen.newer or packaging.make(chosen.build.resolve(), work / "new", packaging.project_version() + "+2")
        old = chosen.older or packaging.make(chosen.build.resolve(), work / "old", packaging.project_version() + "+1")
        again = chosen.newer or packaging.make(chosen.build.resolve(), work / "again", packaging.project_version() + "+2")
        system = BareRoot(work / "root")
        (system.root / "opt").mkdir(exist_ok=True)
        for package, name in ((old, "old.deb"), (new, "new.deb")):
            shutil.copyfile(package, system.root / "opt" / name)
        system.prepare("apt-get -qq update; export DEBIAN_FRONTEND=noninteractive; apt-get -qq install -y --no-install-recommends nginx-light procps; "
                       "apt-get -qq install -y --download-only --no-install-recommends /opt/old.deb /opt/new.deb 2>/dev/null || "
                       "apt-get -qq install -y --download-only --no-install-recommends /opt/new.deb")
        system.start()
        life = Life(system)
        life.row("made again, the package has the same bytes", again.read_bytes() == new.read_bytes())
        install(life, "/opt/old.deb")
        first_use(life)
        operate(life)
        upgrade(life, "/opt/new.deb")
        remove(life, "/opt/new.deb")
        purge(life)
    finally:
        if system:
            system.remove()
        shutil.rmtree(work, ignore_errors=True)
    failed = [name for name, holds in life.rows.items() if not holds]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    kept = ROOT / "docs" / "results" / "soak-package.json"
    kept.write_text(json.dumps({"commit": commit, "seconds": round(time.monotonic() - begin), "rows": life.rows}, indent=1) + "\n")
    print(f"package: {len(life.rows) - len(failed)} of {len(life.rows)} promises held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
