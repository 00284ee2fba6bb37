# SPDX-License-Identifier: Apache-2.0
"""THREATS.md B5 and B6 where people meet them: accounts and folders whose names begin alike, and what a terminal is shown."""
import json
import os
import pathlib
import pty
import shutil
import subprocess
import tempfile
import unicodedata

import pytest
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place
from bed.process import wait_until
from hostile import HostileServer

USERS = ("bob", "bobby", "bo", "bob.x")
FOLDERS = ("x", "x2", "x/2")
STEERING = ["%1b[31mred%07", "\u202egnp.exe", "a\u0085b", "z\u200bw", "\u2066iso\u2069.txt", "line\u2028break", "\U000e0041tag"]


@pytest.fixture(scope="module")
def house():
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    content, place = ContentServer(work / "content").start(), Place(work / "place").start()
    make_file(content.root / "f.bin", 1000, 1)
    devices = {}
    for user in USERS:
        place.add_user(user)
        devices[user] = Device(work / user)
        devices[user].connect("home", place.pair(user))
        for folder in FOLDERS:
            devices[user].run("send", f"{content.url}/f.bin", "--folder", folder, "--name", f"{user}.bin", "--no-probe")
    for device in devices.values():
        wait_until("the files", lambda: len(device.json("files")) == len(FOLDERS), pause=0.2)
    yield place, devices
    place.stop()
    content.stop()
    shutil.rmtree(work, ignore_errors=True)


def answer(place, token, method, path, body=None):
    status, headers, content = place.get(path, token, method, body, {"Content-Type": "application/merge-patch+json"} if body else None)
    return status, {name: value for name, value in headers.items() if name not in ("Date", "RateLimit")}, content


def test_nobody_reads_a_neighbours_files(house):
    place, devices = house
    files = {user: json.loads(place.get("/v1/files", device.token())[2]) for user, device in devices.items()}
    unknown = "0" * 32

    for reader in USERS:
        token = devices[reader].token()
        for owner in USERS:
            assert len(files[owner]) == len(FOLDERS)
            for file in files[owner]:
                for method, body in (("GET", None), ("HEAD", None), ("PATCH", b'{"name":"taken.bin"}'), ("DELETE", None)):
                    if reader == owner:
                        continue
                    foreign = answer(place, token, method, f"/v1/files/{file['id']}", body)
                    missing = answer(place, token, method, f"/v1/files/{unknown}", body)
                    assert foreign[0] == missing[0] == 404, (reader, owner, method)
                    assert foreign[2].replace(file["id"].encode(), b"") == missing[2].replace(unknown.encode(), b"")
    for owner in USERS:
        token = devices[owner].token()
        assert sorted(file["name"] for file in json.loads(place.get("/v1/files", token)[2])) == sorted(f"{f}/{owner}.bin" for f in FOLDERS)
        assert all(place.get(f"/v1/files/{file['id']}", token)[0] == 200 for file in files[owner])


def test_nobody_has_a_neighbours_deleted_files_or_folders(house):
    place, devices = house
    tokens = {user: device.token() for user, device in devices.items()}
    for owner in USERS:
        deleted = json.loads(place.get("/v1/files", tokens[owner])[2])[0]
        assert place.get(f"/v1/files/{deleted['id']}", tokens[owner], "DELETE")[0] == 204
        for reader in USERS:
            if reader == owner:
                continue
            assert json.loads(place.get("/v1/trash", tokens[reader])[2]) == []
            for method, path in (("POST", f"/v1/trash/{deleted['id']}:restore"), ("DELETE", f"/v1/trash/{deleted['id']}")):
                assert place.get(path, tokens[reader], method)[0] == 404
            for folder in (f"../{owner}", f"../{owner}/x", f"/{owner}", owner):
                assert place.get(f"/v1/files?folder={folder}", tokens[reader])[0] == 404
        assert place.get(f"/v1/trash/{deleted['id']}:restore", tokens[owner], "POST")[0] == 200


def test_names_of_files_and_folders_are_exact(house):
    place, devices = house
    device = devices["bob"]

    for wrong in ("x", "x/", "x/bob", "x2/bobby.bin", "../bobby/x/bobby.bin", "/x/bob.bin", "X/bob.bin", "x//bob.bin", "x/./bob.bin"):
        assert device.run("get", wrong, "-o", "-", check=False).returncode == 1, wrong
    for right in ("x/bob.bin", "x2/bob.bin", "x/2/bob.bin"):
        assert len(device.run("get", right, "-o", str(device.home / right.replace("/", "-"))).stdout.splitlines()) == 1


@pytest.mark.parametrize("name", ["Bob", "BOB", "bob ", " bob", "b\u00f3b", "bo\u0301b", "b\u043eb", "\uff42ob", "bob\u200b", "bob/x", "../bob", ".bob",
                                  "bob\n", "-bob", "", "b" * 65])
def test_no_account_has_a_name_that_looks_like_anothers(house, name):
    place, _ = house

    done = place.run("user", "add", "--password-stdin", "--", name, input="correct horse battery\n", check=False)

    assert done.returncode != 0
    assert sorted(path.name for path in (place.data / "areas").iterdir()) == sorted(USERS)


def shown(done: subprocess.CompletedProcess) -> str:
    return done.stdout + done.stderr


def assert_printable(text: str) -> None:
    bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c not in "\n\t"}
    assert not bad, {f"U+{ord(c):04X}" for c in bad}


def test_nothing_steers_a_terminal(house):
    place, devices = house
    device, token = devices["bo"], devices["bo"].token()
    server = HostileServer(STEERING)
    core = json.loads(place.get("/.well-known/restante")[2])
    now = core["time"]["now"]
    for i in range(len(STEERING)):
        device.run("send", f"{server.url}/cd/{i}", "--wait")
    for i, text in enumerate(STEERING):
        title = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Zl", "Zp")) + " title"  # others are refused
        document = {"v": 1, "id": f"01999f3c-7a10-7c54-9a1f-3b8f0c2d4e{i:02x}", "aud": [{"jkt": core["jkt"]}], "iat": now, "exp": now + 86400,
                    "what": {"title": title, "files": [{"sources": [{"url": f"{server.url}/cd/{i}"}]}]},
                    "when": {"start": "2037-01-01T00:00:00Z"}}
        status, _, body = place.get("/v1/proxies", token, "POST", json.dumps(document).encode(),
                                    {"Content-Type": "application/vnd.restante.proxy+json"})
        assert status == 202, body
    server.stop()

    jobs = [job["id"] for job in device.json("list")]
    for arguments in (["list"], ["files"], ["files", "--arriving"], *(["show", job] for job in jobs)):
        for options in ([], ["--json"]):
            assert_printable(shown(device.run(*options, *arguments)))
    on_terminal = terminal_output(device, "list") + terminal_output(device, "files")
    assert "title" in on_terminal
    assert_printable(on_terminal.replace("\r\n", "\n"))
    # What --json says is still the exact text.
    assert any("\u202e" in job["name"] for job in device.json("list"))
    assert all(not any(unicodedata.category(c) in ("Cc", "Cf") for c in file["name"]) for file in device.json("files"))


def terminal_output(device: Device, *arguments) -> str:
    mine, its = pty.openpty()
    process = subprocess.Popen(device.command(*arguments), stdin=its, stdout=its, stderr=its, env=device.environment())
    os.close(its)
    out = b""
    while True:
        try:
            piece = os.read(mine, 65536)
        except OSError:  # the terminal has no other end any more
            break
        if not piece:
            break
        out += piece
    process.wait(30)
    os.close(mine)
    return out.decode()
