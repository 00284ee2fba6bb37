# SPDX-License-Identifier: Apache-2.0
"""Runs attempts and lies against a real place and writes what happened as JSON.

Runs in namespaces of its own (unshare), so that addresses, signals, mounts and IPC of this machine are not touched. Every attempt is
run with all locks on, with all the locks that stop it open, and with each of these locks alone; with --refuse (system calls that the
kernel is to refuse to the worker) only with all locks that can be had.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import cage.files  # noqa: E402,F401
import cage.network  # noqa: E402,F401
import cage.processes  # noqa: E402,F401
from cage.attempts import ATTEMPTS, NAMESPACES, ROOT, Attempt  # noqa: E402
from cage.lies import LIES  # noqa: E402
from cage.program import Program  # noqa: E402
from cage.world import ATTACKER, CANARY, CANARY6, World  # noqa: E402

MARK = "RESTANTE_INSIDE_CAGE_TEST"


def enter() -> None:
    """Goes on inside new namespaces; as a plain user, as root of a user namespace."""
    if os.environ.get(MARK):
        return
    options = ["--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    if os.geteuid() != 0:
        options += ["--user", "--map-root-user"]
    os.environ[MARK] = "root" if os.geteuid() == 0 else "user"
    os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])


def network() -> None:
    for command in ("link set lo up", f"addr add {ATTACKER}/32 dev lo", f"addr add {CANARY}/32 dev lo",
                    f"-6 addr add {CANARY6}/128 dev lo"):
        subprocess.run(["ip", *command.split()], check=True, capture_output=True)


def run(world: World, one: Attempt, opened: list[str]) -> dict:
    program = Program()
    seen = one.build(program, world)
    visit = world.meet(program, opened)
    begun, success = visit.meeting.begun, False
    if visit.report is not None:
        try:
            success = bool(seen(visit.report, visit))
        except FileNotFoundError:
            pass  # the worker is gone
    how = visit.report.error if visit.report else 0
    return {"begun": begun, "success": success, "errno": how, "locks": visit.locks, "end": visit.leave()}


def words(one: Attempt, but: str | None = None) -> list[str]:
    """What has to be left open so that only `but` of the attempt's locks is on."""
    opened = [*(one.calls if but != "seccomp" else ()), *(lock for lock in one.locks if lock != but)]
    return [lock for lock in opened if not (lock == "namespaces" and but == "root")]


def run_all(world: World, one: Attempt, all_locks_only: bool) -> dict:
    runs = {"all locks": run(world, one, [])}
    if not all_locks_only:
        runs["none of its locks"] = run(world, one, words(one))
        if len(one.all_locks()) > 1:
            runs |= {f"only {lock}": run(world, one, words(one, lock)) for lock in one.all_locks()}
    return {"what": one.what, "calls": one.calls, "locks": one.all_locks(), "may_fail": one.may_lack or
            (one.root_only and os.environ[MARK] != "root"), "runs": runs}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--part", default="0/1", help="I/N: every N-th attempt, from the I-th on")
    parser.add_argument("--refuse", help="as of refusing-kernel; then only attempts that namespaces would stop")
    parser.add_argument("--lies", action="store_true", help="the lies instead of the attempts")
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def main() -> int:
    enter()
    wanted = options()
    begin = time.monotonic()
    network()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-cage-"))
    os.chdir(folder)
    part, parts = map(int, wanted.part.split("/"))
    chosen = [one for one in ATTEMPTS[part::parts] if not wanted.names or one.name in wanted.names]
    wrapper = None
    if wanted.refuse:
        wrapper = [wanted.binaries / "tests" / "refusing-kernel", wanted.refuse, "--"]
        chosen = [one for one in chosen if {NAMESPACES, ROOT} & set(one.locks)]
    result: dict = {"privileged": os.environ[MARK] == "root", "attempts": {}, "lies": {}}
    world = None
    try:
        world = World(folder, wanted.binaries, wrapper)
        world.hold_bob()
        if wanted.lies:
            world.learn_words()
            for lie in LIES:
                if not wanted.names or lie.name in wanted.names:
                    result["lies"][lie.name] = lie.tell(world)
        else:
            for one in chosen:
                result["attempts"][one.name] = run_all(world, one, bool(wanted.refuse))
        result["bob"] = world.job("bob", world.bobs_job)["state"]
        result["server"] = world.place.program.alive()
    except Exception:  # noqa: BLE001  the report is what the caller reads
        result["error"] = f"{traceback.format_exc()}\n{world.place.log()[-3000:] if world else ''}"
    finally:
        if world:
            world.close()
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
        result["seconds"] = time.monotonic() - begin
        wanted.out.write_text(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
