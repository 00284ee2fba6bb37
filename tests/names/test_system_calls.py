# SPDX-License-Identifier: Apache-2.0
"""THREATS.md B3: with its system calls watched, the server hands no name from outside to anything but openat2 beneath a
folder's handle, or to a call that takes one last segment beside such a handle."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import uuid

import pytest
from bed.device import Device
from bed.place import Place
from bed.process import wait_until
from hostile import HostileServer

MARK = "zqname"
NAMES = [f"{MARK}-a.bin", f"../{MARK}-up.bin", f"..%2f{MARK}-encoded", f"/{MARK}/absolute", f"{MARK}/in/folders.txt"]
RESOLVE = ("RESOLVE_BENEATH", "RESOLVE_NO_SYMLINKS", "RESOLVE_NO_MAGICLINKS")
CALL = re.compile(r"^(?:\d+ +)?(?:\[pid +\d+\] )?(\w+)\((.*)")
TEXT = re.compile(r'((?:AT_FDCWD|-?\d+)(?:<[^>]*>)?, )?"((?:[^"\\]|\\.)*)"')


def faults_of(line: str) -> list[str]:
    """What is wrong with one line of strace: calls that are given a marked name."""
    found = CALL.match(line)
    if not found or found.group(1) in ("execve", "write", "read", "sendto", "recvfrom", "sendmsg", "recvmsg"):
        return []
    call, arguments = found.groups()
    wrong = []
    for handle, path in TEXT.findall(arguments):
        if MARK not in path:
            continue
        if not handle or handle.startswith("AT_FDCWD"):
            wrong.append("no handle of a folder")
        elif call == "openat2":
            if not all(flag in arguments for flag in RESOLVE):
                wrong.append("openat2 that may leave the folder")
        elif call in ("mkdirat", "unlinkat", "linkat", "renameat2"):
            if "/" in path or path in (".", ".."):
                wrong.append("more than one segment")
            if call == "linkat" and "AT_SYMLINK_FOLLOW" in arguments:
                wrong.append("follows links")
        elif call == "newfstatat":
            # Of a call that another thread's was printed into, the flags stand on a later line.
            if "/" in path or not ("AT_SYMLINK_NOFOLLOW" in arguments or "<unfinished" in arguments):
                wrong.append("may follow links")
        else:
            wrong.append("may follow links")
    return wrong


@pytest.fixture
def watched():
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    trace = work / "trace"
    place = Place(work / "place", prefix=["strace", "-f", "-qq", "-y", "-s", "4096", "-e", "trace=%file", "-e", "signal=none", "-o",
                                          str(trace)])
    place.start(60)
    place.prefix = []  # of the server alone
    content = HostileServer(NAMES)
    yield work, place, content, trace
    server = pathlib.Path(f"/proc/{place.program.pid}/task/{place.program.pid}/children").read_text().split()
    for pid in server:
        os.kill(int(pid), 15)
    place.program.popen.wait(30)
    content.stop()
    shutil.rmtree(work, ignore_errors=True)


def test_no_name_from_outside_is_opened_as_text(watched):
    work, place, content, trace = watched
    place.add_user("ana")
    ana = Device(work / "ana")
    ana.connect("home", place.pair("ana"))
    token = ana.token()
    core = json.loads(place.get("/.well-known/restante")[2])

    def call(method, path, body=None, media_type="application/merge-patch+json"):
        return place.get(path, token, method, None if body is None else json.dumps(body).encode(), {"Content-Type": media_type})

    for i, name in enumerate(NAMES):
        what = {"files": [{"sources": [{"url": f"{content.url}/cd/{i}"}]}], "folder": f"{MARK}-folder/{i}"}
        now = core["time"]["now"]
        status, *_ = call("POST", "/v1/proxies", {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": core["jkt"]}], "iat": now,
                                                  "exp": now + 3600, "what": what}, "application/vnd.restante.proxy+json")
        assert status == 202
    wait_until("all files", lambda: len(json.loads(place.get("/v1/files", token)[2])) == len(NAMES), 60, 0.1)
    files = json.loads(place.get("/v1/files", token)[2])
    assert all(MARK in file["name"] for file in files)
    for i, file in enumerate(files):
        assert place.get(f"/v1/files/{file['id']}", token)[2] == b"bytes"
        assert call("PATCH", f"/v1/files/{file['id']}", {"name": f"../{MARK}-new/{i}/../name"})[0] == 200
        # What another program put there is looked at and left alone.
        at = next((place.data / "areas/ana").glob(f"{MARK}-new/{i}/name"))
        if i % 2:
            at.unlink()
            at.symlink_to("/etc/passwd")
        assert place.get(f"/v1/files/{file['id']}", token)[0] == (404 if i % 2 else 200)
    for file in json.loads(place.get("/v1/files", token)[2]):
        assert call("DELETE", f"/v1/files/{file['id']}")[0] == 204
    place.run("user", "remove", "ana")

    lines = trace.read_text(errors="replace").splitlines()
    marked = [line for line in lines if MARK in line]
    assert len([line for line in marked if "openat2(" in line]) > 20
    assert [line[:300] for line in marked if faults_of(line)] == []


def test_the_check_can_fail(tmp_path):
    """Control: programs that open the same names as people do."""
    (tmp_path / MARK).mkdir()
    (tmp_path / MARK / "f").write_text("")
    trace = tmp_path / "trace"
    for command in (["cat", f"{MARK}/f"], ["mv", f"{MARK}/f", f"{MARK}/g"], ["rm", f"{MARK}/g"], ["mkdir", f"{tmp_path}/{MARK}/d"],
                    ["ln", "-s", "x", f"{MARK}-link"], ["stat", f"{MARK}-link"]):
        subprocess.run(["strace", "-f", "-qq", "-y", "-e", "trace=%file", "-o", str(trace), *command], cwd=tmp_path, check=True,
                       stdout=subprocess.DEVNULL)
        assert any(faults_of(line) for line in trace.read_text().splitlines() if MARK in line), command
    good = f'1 openat2(7</area>, "{MARK}", {{flags=O_PATH, resolve={"|".join(RESOLVE)}}}, 24) = 8'
    assert faults_of(good) == []
    assert faults_of(good.replace("|RESOLVE_NO_SYMLINKS", ""))
    assert faults_of(f'1 unlinkat(7</area>, "{MARK}/f", 0) = 0') and not faults_of(f'1 unlinkat(7</area>, "{MARK}", 0) = 0')
