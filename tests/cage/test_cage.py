# SPDX-License-Identifier: Apache-2.0
"""THREATS.md G2: native code in a worker reaches nothing. Every attempt is made in the real worker of a real place, with all locks
on, with each of its locks alone, and with none of them: then it must succeed, or the attempt proves nothing."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest
from bed import BIN
from bed import ROOT as ROOT_FOLDER

from cage import files, network, processes  # noqa: F401
from cage.attempts import ATTEMPTS, NAMESPACES, ROOT
from cage.lies import LIES

RUN = pathlib.Path(__file__).parent / "run_attempts.py"
ALL = {"namespaces", "root", "capabilities", "rlimits", "landlock", "seccomp"}
BY_NAME = {one.name: one for one in ATTEMPTS}


def start(folder: pathlib.Path, *options, prefix: tuple = ()) -> tuple[subprocess.Popen, pathlib.Path]:
    out = folder / f"{len(list(folder.iterdir()))}.json"
    out.touch()
    out.chmod(0o666)
    return subprocess.Popen([*prefix, sys.executable, str(RUN), str(BIN), str(out), *options], stdin=subprocess.DEVNULL), out


def finish(running: tuple[subprocess.Popen, pathlib.Path]) -> dict:
    process, out = running
    process.wait(timeout=300)
    content = out.read_text()
    assert process.returncode == 0 and content, "the attempts could not be made: see the output above"
    result = json.loads(content)
    assert "error" not in result, result["error"]
    return result


def join(results: list[dict]) -> dict:
    joined = {**results[0], "attempts": {}, "lies": {}}
    for one in results:
        joined["attempts"] |= one["attempts"]
        joined["lies"] |= one["lies"]
    return joined


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(prefix="restante-cage-") as made:
        path = pathlib.Path(made)
        path.chmod(0o777)
        yield path


@pytest.fixture(scope="module")
def made(folder):
    """Two places at once, each with half of the attempts, then the lies."""
    halves = [start(folder, "--part", f"{i}/2") for i in range(2)]
    return join([finish(one) for one in halves] + [finish(start(folder, "--lies"))])


@pytest.fixture(scope="module")
def plain(folder):
    """A plain user, on a kernel that permits no namespaces to workers."""
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    halves = [start(folder, "--refuse", "unshare=1", "--part", f"{i}/2", prefix=prefix) for i in range(2)]
    return join([finish(one) for one in halves])


def test_there_are_enough_attempts_that_can_fail(made):
    counted = [name for name, one in made["attempts"].items() if one["runs"]["none of its locks"]["success"]]
    apart = [name for name in made["attempts"] if name not in counted]
    print("not possible on this machine without any lock:", apart)

    assert len(made["attempts"]) == len(BY_NAME)
    assert len(counted) >= (90 if made["privileged"] else 50)


@pytest.mark.parametrize("name", BY_NAME)
def test_native_code_cannot(made, name):
    one = made["attempts"][name]
    runs = one["runs"]
    without = runs["none of its locks"]

    for how, run in runs.items():
        assert run["begun"], f"{how}: the attempt was not made"
        opened = set() if how == "all locks" else set(one["locks"]) - {how.removeprefix("only ")} - {"seccomp", "dumpable"}
        if "only root" == how:
            opened.discard(NAMESPACES)
        elif NAMESPACES in opened:
            opened.add(ROOT)
        assert set(run["locks"]) == ALL - opened, f"{how}: other locks were on"
        assert how == "none of its locks" or not run["success"], f"{how}: {one['what']}"
    if not one["may_fail"]:
        assert without["success"], f"nothing but the named locks was open, and yet it failed: {without}"


def test_the_document_names_every_attempt_and_its_locks():
    document = (ROOT_FOLDER / "docs" / "internals" / "cage.md").read_text()
    rows = [f"| {one.name} | {one.what} | {', '.join(one.all_locks())} |" for one in ATTEMPTS] + \
        [f"| {one.name} | {one.what} |" for one in LIES]

    assert [row for row in rows if row not in document] == []


def test_the_server_and_the_other_account_have_noticed_nothing(made):
    assert made["server"] and made["bob"] == "running"


@pytest.mark.parametrize("name", [one.name for one in LIES])
def test_a_lying_worker_harms_nobody_else(made, name):
    assert not made["lies"][name]["wrong"], made["lies"][name]


def test_without_namespaces_the_other_locks_hold(plain):
    wanted = {one.name for one in ATTEMPTS if {NAMESPACES, ROOT} & set(one.locks)}

    assert set(plain["attempts"]) == wanted
    for name, one in plain["attempts"].items():
        run = one["runs"]["all locks"]
        assert run["begun"] and not run["success"], name
        assert set(run["locks"]) == ALL - {NAMESPACES, ROOT}, name
