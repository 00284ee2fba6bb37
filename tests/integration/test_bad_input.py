# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong: one clear error that says what, where and how to mend it; nothing else is affected, nothing is lost."""
import json
import os
import pathlib
import shutil
import socket
import subprocess

import pytest
from bed.content import make_file
from bed.device import Device
from bed.place import Place
from bed.process import free_port, wait_until


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, f"not one line: {text!r}"
    return lines[0]


def document(ana, place, **changes) -> dict:
    wellknown = json.loads(place.get("/.well-known/restante")[2])
    core = {"v": 1, "id": "01999f3c-7a10-7c54-9a1f-3b8f0c2d4e5a", "aud": [{"jkt": wellknown["jkt"]}],
            "iat": wellknown["time"]["now"], "exp": wellknown["time"]["now"] + 86400,
            "what": {"files": [{"sources": [{"url": "http://127.0.0.1:9/x.bin"}]}]},
            "when": {"start": "2037-01-01T00:00:00Z"}, "probe": False}
    core.update(changes)
    return {name: value for name, value in core.items() if value is not None}


def post(ana, place, body) -> tuple[int, dict]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = place.get("/v1/proxies", ana.token(), "POST", data, {"Content-Type": "application/vnd.restante.proxy+json"})
    return status, json.loads(answer)


@pytest.mark.parametrize("change, pointer", [
    ({"v": 2}, "/v"),
    ({"crit": ["teleport"]}, "/crit"),
    ({"id": "nonsense"}, "/id"),
    ({"what": {"files": []}}, "/what/files"),
    ({"what": {"files": [{"sources": [{"url": 7}]}]}}, "/what/files/0/sources/0/url"),
    ({"what": {"files": [{"sources": [{"url": "gopher://x/y"}]}]}}, "/what/files/0/sources/0/url"),
    ({"what": {"files": [{"name": "a/b", "sources": [{"url": "http://x/y"}]}]}}, "/what/files/0/name"),
    ({"when": {"start": "2037-01-01T00:00:00"}}, "/when/start"),
    ({"when": {"start": "tomorrow"}}, "/when/start"),
    ({"aud": [{"jkt": "A" * 43}]}, "/aud"),
    ({"exp": "soon"}, "/exp"),
    ({"limits": {"attempts": 101}}, "/limits/attempts"),
])
def test_a_wrong_document_is_refused_with_the_place_of_the_fault(ana, place, change, pointer):
    status, answer = post(ana, place, document(ana, place, **change))

    assert 400 <= status < 500, answer
    assert answer["pointer"].startswith(pointer), answer
    assert answer["type"].startswith("/problems/") and answer["detail"] and answer["hint"]
    assert ana.json("list") == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"v":1,"v":1}', b'{"v":1.5}', b"\xff\xfe", b"[" * 40 + b"]" * 40,
                                  b'{"v":1,"a":"' + b"x" * 300_000 + b'"}'],
                         ids=["empty", "cut", "array", "twice", "fraction", "not-utf8", "deep", "large"])
def test_what_is_no_document_is_refused(ana, place, body):
    status, answer = post(ana, place, body)

    assert status in (400, 413, 422) and answer["detail"]
    assert ana.json("list") == []


def test_a_right_document_is_accepted_once(ana, place):
    core = document(ana, place)

    first, again = post(ana, place, core), post(ana, place, core)
    other = post(ana, place, {**core, "what": {"files": [{"sources": [{"url": "http://127.0.0.1:9/other"}]}]}})

    assert (first[0], again[0], other[0]) == (202, 200, 409)
    assert first[1]["id"] == again[1]["id"] and len(ana.json("list")) == 1


def test_private_addresses_are_refused_with_what_to_do(work):
    place = Place(work / "place", config="")
    place.start()
    try:
        place.add_user("eve")
        eve = Device(work / "eve")
        eve.connect("home", place.pair("eve"))
        with socket.create_server(("127.0.0.1", 0)) as canary:
            canary.settimeout(0.5)
            port = canary.getsockname()[1]
            for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"):
                done = eve.run("--json", "send", f"http://{host}:{port}/x", "--wait", check=1)
                assert '"address"' in done.stdout or '"dns"' in done.stdout or '"invalid"' in done.stdout, (host, done.stdout)
            with pytest.raises(TimeoutError):
                canary.accept()
        assert "address_guard" in eve.run("send", f"http://127.0.0.1:{port}/x", "--wait", check=1).stderr
    finally:
        place.stop()


@pytest.mark.parametrize("url", ["scp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1/", "javascript:1", "http://", "nonsense"])
def test_other_schemes_are_refused(ana, url):
    done = ana.run("send", url, check=False)

    assert done.returncode in (1, 2) and one_line(done.stderr)
    assert ana.json("list") == []


def test_a_wrong_password_says_the_same_for_known_and_unknown_names(place, ana):
    answers = [place.get("/v1/session", None, "POST", json.dumps({"user": user, "password": "wrong"}).encode(),
                         {"Content-Type": "application/json"}) for user in ("ana", "nobody-at-all")]

    assert [status for status, *_ in answers] == [401, 401]
    assert answers[0][2] == answers[1][2]


def test_a_sign_in_by_password_gives_a_token(place, ana):
    status, _, body = place.get("/v1/session", None, "POST",
                                json.dumps({"user": "ana", "password": "correct horse battery"}).encode(),
                                {"Content-Type": "application/json"})

    assert status == 201
    assert place.get("/v1/jobs", json.loads(body)["token"])[0] == 200


def test_a_pairing_url_works_once(work, place):
    url = place.pair("ana")
    Device(work / "one").connect("home", url)

    again = Device(work / "two").run("place", "add", "home", url, check=False)

    assert again.returncode in (1, 4) and one_line(again.stderr)


def test_a_wrong_pin_is_refused(work, place):
    url = place.pair("ana")
    wrong = url.split("#k=")[0] + "#k=" + "A" * 43 + "&c=" + url.split("&c=")[1]

    done = Device(work / "one").run("place", "add", "home", wrong, check=1)

    assert one_line(done.stderr)
    Device(work / "two").connect("home", url)


def test_an_occupied_port_is_named(work):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        done = Place(work / "place").run("serve", "--listen", f"127.0.0.1:{port}", check=False)

    assert done.returncode == 1 and str(port) in one_line(done.stderr) and "--listen" in done.stderr


def test_a_second_server_on_the_same_data_is_refused(place):
    done = place.run("serve", "--listen", f"127.0.0.1:{free_port()}", check=False)

    assert done.returncode == 1 and str(place.program.pid) in one_line(done.stderr)


def test_a_file_in_place_of_the_data_directory(work):
    (work / "place").mkdir()
    (work / "place" / "data").write_text("not a folder")

    done = Place(work / "place").run("serve", check=False)

    assert done.returncode == 1 and "data" in one_line(done.stderr)
    assert (work / "place" / "data").read_text() == "not a folder"


def test_a_data_directory_of_somebody_else(work, place):
    assert os.geteuid() == 0, "this test becomes nobody, which takes root"
    place.stop()
    os.chmod(work, 0o755)
    os.chmod(work / "place", 0o755)

    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *map(str, place.command("serve"))],
                          capture_output=True, text=True, timeout=30)

    assert done.returncode == 1 and str(place.data) in one_line(done.stderr) and "ermission" in done.stderr


def test_a_read_only_data_directory(work, place):
    assert os.geteuid() == 0, "this test mounts, which takes root"
    place.stop()

    command = " ".join(f"'{part}'" for part in place.command("serve"))
    done = subprocess.run(["unshare", "--mount", "sh", "-c",
                           f"mount --bind '{place.data}' '{place.data}' && mount -o remount,bind,ro '{place.data}' && exec {command}"],
                          capture_output=True, text=True, timeout=30)

    assert done.returncode == 1 and "ead-only" in one_line(done.stderr)


def test_a_damaged_database_is_named_and_left_alone(place):
    place.stop()
    database = place.data / "restante.db"
    for extra in place.data.glob("restante.db-*"):
        extra.unlink()
    damaged = b"this was a database" * 1000
    database.write_bytes(damaged)

    done = place.run("serve", check=False)

    assert done.returncode == 1 and "restante.db" in one_line(done.stderr)
    assert database.read_bytes() == damaged


@pytest.fixture
def small_volume(work):
    """A place of Ana's on a volume of 24 MiB: (folder of the volume, place, ana)."""
    assert os.geteuid() == 0, "this test mounts, which takes root"
    folder = work / "volume"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], check=True)
    place = Place(folder / "place")
    try:
        place.start()
        place.add_user("ana")
        ana = Device(work / "ana")
        ana.connect("home", place.pair("ana"))
        yield folder, place, ana
    finally:
        place.stop()
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_volume_loses_nothing(small_volume):
    folder, _, ana = small_volume
    before = ana.json("send", "http://127.0.0.1:9/kept", "--at", "+1w", "--no-probe")[0]
    filler = folder / "filler"
    with open(filler, "wb") as out:
        try:
            while out.write(b"\0" * 65536):
                out.flush()
        except OSError:
            pass

    refused = ana.run("--json", "send", "http://127.0.0.1:9/refused" + "x" * 4000, "--at", "+1w", "--no-probe", check=False)
    listed = ana.json("list")
    filler.unlink()
    ana.run("outbox", "flush", check=False)
    after = ana.json("send", "http://127.0.0.1:9/later", "--at", "+1w", "--no-probe")[0]

    assert refused.returncode in (0, 1, 3)
    if refused.returncode:
        assert "full" in refused.stderr or "space" in refused.stderr
    ids = {job["id"] for job in ana.json("list")}
    assert before["id"] in {job["id"] for job in listed} and {before["id"], after["id"]} <= ids


def test_a_full_volume_pauses_a_download_until_there_is_room(small_volume, content):
    folder, _, ana = small_volume
    make_file(content.root / "big.bin", 20 << 20, 3)
    filler = folder / "filler"
    filler.write_bytes(b"\0" * (12 << 20))

    ana.json("send", f"{content.url}/big.bin")
    waiting = wait_until("the full disk", lambda: [j for j in ana.json("list") if j.get("reason") == "disk-full"])
    filler.unlink()
    wait_until("the end", lambda: ana.json("list")[0]["state"] == "done", 60)

    assert waiting[0]["state"] == "waiting"


def test_unknown_options_and_commands_exit_2(ana):
    for arguments in (["send"], ["send", "--frobnicate", "http://x/"], ["nonsense"], ["get"], ["change", "abc"]):
        done = ana.run(*arguments, check=2)
        assert done.stdout == "" and done.stderr


def test_errors_are_objects_with_json(ana):
    done = ana.run("--json", "show", "f" * 32, check=1)

    error = json.loads(done.stdout)["error"]
    assert error["reason"] == "not-found" and error["type"] and error["message"] and error["hint"]
    assert one_line(done.stderr)


def test_a_revoked_device_is_not_authorised(work, place, ana):
    other = Device(work / "other")
    other.connect("home", place.pair("ana"))
    name = next(device["id"] for device in ana.json("device", "list") if not device.get("current"))

    ana.run("device", "revoke", name)

    other.run("list", check=4)
    ana.run("list")


def test_unknown_configuration_keys_are_named(work):
    place = Place(work / "place", config="[listen]\nadress = '127.0.0.1:1'\n")

    done = place.run("check", check=False)

    assert done.returncode != 0 and "adress" in one_line(done.stderr)


def test_nothing_is_open_before_set_up(work):
    place = Place(work / "place")
    place.start()
    try:
        for path in ("/v1/jobs", "/v1/files", "/v1/events", "/v1/devices"):
            assert place.get(path)[0] in (401, 403)
        assert place.get("/v1/session", None, "POST", b'{"user":"admin","password":"admin"}', {"Content-Type": "application/json"})[0] == 401
    finally:
        place.stop()
