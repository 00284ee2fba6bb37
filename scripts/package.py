#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev package [--version V]: the Debian package (and its debug symbols) in build/package/, from programs that are built.

The version is CMake's; between releases it ends in the commit's time and name. All times inside are the commit's, so that the
same programs give the same bytes.
"""
import argparse
import datetime
import email.utils
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAINTAINER = "Restante developers <noreply@restante.invalid>"


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def project_version() -> str:
    return re.search(r"project\(restante VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def package_version(instant: int) -> str:
    version, commit = project_version(), git("rev-parse", "--short=8", "HEAD")
    if not commit or git("describe", "--tags", "--exact-match") == f"v{version}":
        return version
    when = datetime.datetime.fromtimestamp(instant, datetime.timezone.utc)
    return f"{version}~{when:%Y%m%d%H%M}.g{commit}"


def changelog(version: str, instant: int) -> str:
    items = [" ".join(path.read_text().split()) for path in sorted((ROOT / "changelog" / "unreleased").glob("*.md"))]
    lines = [textwrap.fill(item, 78, initial_indent="  * ", subsequent_indent="    ") for item in items or ["A new version."]]
    return "\n".join([f"restante ({version}) unstable; urgency=medium", "", *lines, "", f" -- {MAINTAINER}  {email.utils.formatdate(instant)}", ""])


def make(build: pathlib.Path, out: pathlib.Path, version: str = "", host: str = "") -> pathlib.Path:
    """The package's path. `host`: a Debian architecture other than this machine's."""
    instant = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)
    version = version or package_version(instant)
    out.mkdir(parents=True, exist_ok=True)
    tree = out / "tree"
    for earlier in [*out.glob("restante_*.deb"), *out.glob("restante-dbgsym_*.deb")]:
        earlier.unlink()  # one version only: packaging/Containerfile installs what lies here
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(ROOT / "packaging" / "debian", tree / "debian")
    shutil.copyfile(ROOT / "packaging" / "restante.toml", tree / "restante.toml")
    (tree / "debian" / "changelog").write_text(changelog(version, instant))
    environment = {**os.environ, "RESTANTE_BUILD": str(build), "SOURCE_DATE_EPOCH": str(instant), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    rules = ["dpkg-architecture", f"-a{host}", "-c", "debian/rules", "binary"] if host else ["debian/rules", "binary"]
    subprocess.run(["sh", "-c", 'umask 022; exec "$@"', "sh", *rules], cwd=tree, env=environment, check=True, stdout=sys.stderr)
    shutil.rmtree(tree)
    made = sorted(out.glob(f"restante*_{version}_*.deb"))
    for package in made:
        print(f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package}")
    return next(package for package in made if package.name.startswith("restante_"))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--version", default="", help="instead of CMake's and the commit's")
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the CMake build folder with the programs")
    options.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "package")
    options.add_argument("--host", default="", help="the Debian architecture that the programs are built for, if not this machine's")
    chosen = options.parse_args()
    make(chosen.build.resolve(), chosen.out.resolve(), chosen.version, chosen.host)
    return 0


if __name__ == "__main__":
    sys.exit(main())
