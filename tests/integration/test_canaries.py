# SPDX-License-Identifier: Apache-2.0
"""Canary secrets, another one for each field of each kind, appear nowhere but at the servers that they are for.

Runs of every kind of end are mixed, then everything that could hold a secret is searched: logs, output of commands, every
file of the place and of the device, a backup, answers of the API, events, command lines and environments of processes, core
dumps. The same search finds a canary that is planted in each of these places.
"""
import base64
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import types

import pytest
from bed.certificates import Authority
from bed.device import Device
from bed.documents import document, ended, submit
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import BedError, wait_until
from bed.sink import Cut, DigestGate, Sink, TokenEndpoint, reply

FIELDS = ("user", "password", "digest-user", "digest-password", "token", "cookie-name", "cookie", "header", "client-id", "client-secret",
          "refresh", "access", "url-user", "url-password", "custom", "cli-password", "cli-header", "cli-cookie", "login", "outbox", "query", "made", "outgoing")
CANARIES = {field: f"K4N4RY{index:02d}{field.replace('-', '')}7c1f" for index, field in enumerate(FIELDS)}


def forms(canary: str) -> list[bytes]:
    """As it is, and inside base64 at each of the three phases, as Basic writes it."""
    raw = canary.encode()
    found = [raw, raw.hex().encode()]
    for phase in range(3):
        coded = base64.b64encode(b"x" * phase + raw)
        found.append(coded[(phase * 8 + 5) // 6 + 1:-4])
    return found


NEEDLES = {field: forms(canary) for field, canary in CANARIES.items()}


def found_in(text: bytes, without=()) -> set[str]:
    return {field for field, needles in NEEDLES.items() if field not in without and any(one in text for one in needles)}


def search_files(folder: pathlib.Path, without=()) -> dict:
    out = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            if hits := found_in(path.read_bytes(), without):
                out[str(path.relative_to(folder))] = hits
    return out


def search_processes(pids) -> dict:
    out = {}
    for pid in pids:
        text = b""
        for name in ("cmdline", "environ", "comm"):
            try:
                text += pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
            except OSError:
                continue
        if hits := found_in(text):
            out[pid] = hits
    return out


def descendants(pid: int) -> list[int]:
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [pid, *(one for child in children for one in descendants(int(child)))]


@pytest.fixture(scope="module")
def runs():
    """The mixed runs; what they left is searched by the tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    sinks = []

    def sink(*arguments, **options):
        sinks.append(Sink(*arguments, **options))
        return sinks[-1]
    try:
        yield _mixed_runs(folder, sink)
    finally:
        for one in sinks:
            one.close()
        shutil.rmtree(folder, ignore_errors=True)


def _access(origin, client, endpoint):
    c = CANARIES
    return [
        {"id": "a", "kind": "basic", "scope": [origin], "user": c["user"], "password": c["password"]},
        {"id": "b", "kind": "digest", "scope": [origin], "user": c["digest-user"], "password": c["digest-password"]},
        {"id": "c", "kind": "bearer", "scope": [origin], "token": c["token"]},
        {"id": "d", "kind": "cookies", "scope": [origin], "cookies": [{"name": c["cookie-name"], "value": c["cookie"], "host": "127.0.0.1"}]},
        {"id": "e", "kind": "headers", "scope": [origin], "headers": [["x-api-key", c["header"]]]},
        {"id": "f", "kind": "tls", "scope": [origin.replace("http:", "https:")], "cert": client[0], "key": client[1]},
        {"id": "g", "kind": "oauth", "scope": [origin], "token_endpoint": endpoint, "client_id": c["client-id"], "client_secret": c["client-secret"],
         "refresh_token": c["refresh"], "access_token": c["access"]}]


def _mixed_runs(folder, sink):
    c = CANARIES
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    with subprocess.Popen(["sleep", "60"]) as idle:
        permitted = _core_limit(idle.pid)
        idle.kill()
    authority = Authority(folder / "authority")
    place = Place(folder / "place", ALLOW_LOOPBACK + f'[worker]\nca_bundle = "{authority.certificate}"\n')
    place.start()
    place.add_user("ana")
    ana = Device(folder / "ana")
    ana.connect("home", place.pair("ana"))
    token, said, accepted = ana.token(), b"", []

    def command(*arguments, input=None):
        nonlocal said
        done = ana.run(*arguments, input=input, check=False)
        said += (done.stdout + done.stderr).encode()

    hang, staying = [], []  # requests whose answers are held back, and downloads that do not end

    def answer(request):
        kind = request.path.split("/")[1]
        if kind == "digest" and not (request.get("authorization") or "").startswith("Digest"):
            return DigestGate("x", "y").challenge(False)
        answers = {"gone": reply(404), "denied": reply(401, WWW_Authenticate="Basic"), "loop": reply(302, b"", Location=request.target + "x"),
                   "away": reply(302, b"", Location=f"{far.plain}/x"), "cut": Cut(b"HTTP/1.1 200 x\r\nContent-Length: 99\r\n\r\nshort"), "broken": b"nonsense",
                   "excess": reply() + b"too much"}
        if kind == "slow":
            hang.append(request)
            return b"HTTP/1.1 200 x\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1000
        return answers.get(kind, reply())

    far = sink()
    near = sink(answer, tls=_tls(authority))
    strangers = sink(tls=_tls(Authority(folder / "strangers")))
    endpoint = sink(TokenEndpoint(c["refresh"], rotate=False))
    client = [path.read_text() for path in authority.issue("ana")]
    access = _access(near.plain, client, endpoint.plain + "/token")
    def submit_one(core, wanted=202, stays=False):
        nonlocal said
        status, got = submit(place, token, core)
        said += json.dumps(got).encode()
        assert status == wanted, got
        if status == 202:
            (staying if stays else accepted).append(got["id"])

    for way in ("ok", "gone", "denied", "loop", "away", "cut", "broken", "excess", "slow", "digest"):
        for one in access:
            if (one["kind"] in ("tls", "digest") and way not in ("ok", "digest")) or (way == "slow" and one["id"] != "a"):
                continue
            base = near.secure if one["kind"] == "tls" else near.plain
            submit_one(document(place, f"{base}/{way}/{one['id']}?t={c['query']}", [one], headers=[["X-Custom", c["custom"]]], attempts=2, probe=way == "ok"), stays=way == "slow")
    submit_one(document(place, strangers.secure + "/x", [{**access[0], "scope": [strangers.secure]}]))
    submit_one(document(place, near.plain.replace("http://", f"http://{c['url-user']}:{c['url-password']}@") + "/ok/url"))
    submit_one(document(place, "http://127.0.0.1:1/x", [{**access[2], "scope": ["http://127.0.0.1:1"]}], attempts=2))
    later = document(place, near.plain + "/ok/later", access[:5], when={"start": "2040-01-01T00:00:00Z"})
    later["exp"] = later["iat"] + 86400
    submit_one(later, stays=True)
    # Bad input: its words must not come back either.
    for index, one in enumerate(access):
        for name, value in one.items():
            if name in ("id", "kind", "scope"):
                continue
            submit_one(document(place, near.plain + "/x", [{**one, name: [value]}]), 400)
            if isinstance(value, str):
                submit_one(document(place, near.plain + "/x", [{**one, name: value + "\r\n"}]), 400 if name not in ("cert", "key") else 202)
    submit_one(document(place, near.plain.replace("http://", f"http://{c['url-user']}:{c['url-password']}%0d@") + "/x"), 400)
    submit_one(document(place, near.plain + "/x", headers=[["X-Custom " + c["custom"], "x"]]), 400)
    submit_one(json.dumps(document(place, near.plain + "/x", access)).encode()[:-30], 400)
    # By the command: the secret comes by stdin or file.
    jar = folder / "cookies.txt"
    jar.write_text(f"127.0.0.1\tFALSE\t/\tFALSE\t0\ts\t{c['cli-cookie']}\n")
    command("send", near.plain + "/ok/cli", "--user", "ana", "--secret-stdin", "--wait", input=c["cli-password"] + "\n")
    command("send", near.plain + "/denied/cli", "--user", "ana", "--secret-stdin", "--wait", input=c["cli-password"] + "\n")
    command("--json", "send", near.plain + "/ok/cli", "--cookies", jar, "--wait")
    command("send", near.plain + "/ok/cli", "--header", f"X-Key: {c['cli-header']}", "--wait")
    command("login", "add", near.plain, "--user", "ana", "--secret-stdin", input=c["login"] + "\n")
    command("send", near.plain + "/ok/login", "--wait")
    command("login", "list")
    command("list")
    jar.unlink()
    for id_ in accepted:
        ended(place, token, id_, 60)
    wait_until("a held answer", lambda: hang)
    processes = search_processes(descendants(place.program.pid))
    living = len(descendants(place.program.pid))
    answers = {}
    for path in ("/v1/jobs?limit=1000", "/v1/files", "/v1/files?arriving=true", "/v1/session", "/v1/devices", "/healthz", "/.well-known/restante"):
        answers[path] = place.get(path, token)[2]
    for index, one in enumerate(json.loads(answers["/v1/jobs?limit=1000"])):
        for path in (f"/v1/jobs/{one['id']}", f"/v1/proxies/{one['proxy']}", f"/v1/jobs/{one['id']}/files/0"):
            answers[path] = place.get(path, token)[2]
        if index % 8 == 0:
            command("show", one["id"])
    answers["/v1/events"] = subprocess.run(["curl", "-s", "--max-time", "1", "-H", f"Authorization: Bearer {token}", "-H", "Last-Event-ID: 0",
                                            place.url + "/v1/events"], capture_output=True).stdout
    backup = folder / "place" / "backup.bin"
    place.run("backup", backup, input="a long passphrase\n")
    before = search_files(folder / "place", without=("query",))
    # A worker and the server die at once, with core dumps permitted by everybody but themselves.
    dumps = {}
    for pid in [*descendants(place.program.pid)[1:], place.program.pid]:
        dumps[pid] = _core_limit(pid)
        os.kill(pid, signal.SIGABRT)
    place.program.popen.wait()
    dumped = [path for path in folder.rglob("core*") if path.is_file()] + [path for path in pathlib.Path.cwd().glob("core*") if path.is_file()]
    place.start()
    # The place is away: what is asked for waits on the device.
    place.kill()
    command("send", near.plain + "/ok/outbox", "--user", "ana", "--secret-stdin", input=c["outbox"] + "\n")
    command("make", near.plain + "/ok/made", "--user", "ana", "--secret-stdin", "-o", "made.restante", input=c["made"] + "\n")
    command("inspect", "made.restante")
    command("mail", "set", "smtps://mail.example", "--from", "ana@device.example", "--user", "ana", "--secret-stdin", input=c["outgoing"] + "\n")
    command("mail", "show")
    return types.SimpleNamespace(folder=folder, place=place, ana=ana, said=said, near=near, endpoint=endpoint, processes=processes, living=living,
                                 answers=answers, before=before, dumps=dumps, dumped=dumped, permitted=permitted, accepted=accepted)


def _core_limit(pid) -> str:
    text = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(r"Max core file size\s+(\S+)\s+(\S+)", text).groups()


def _tls(authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    return context


def test_the_canaries_did_reach_their_servers(runs):
    sent = runs.near.heard + runs.endpoint.heard
    never = set(FIELDS) - found_in(sent) - {"digest-password", "outbox", "made", "outgoing"}

    assert not never, "these never went anywhere, so that nothing could leak"


def test_no_canary_is_in_output_answers_logs_or_processes(runs):
    assert found_in(runs.said, without=("query",)) == set()
    leaks = {path: hits for path, text in runs.answers.items() if (hits := found_in(text, without=("query",)))}
    assert not leaks and len(runs.answers) > 50
    assert len(runs.answers["/v1/events"]) > 1000
    assert found_in(runs.place.log().encode()) == set(), "not even a query is logged"
    assert not runs.processes and runs.living >= 2


def test_no_canary_is_in_a_file_of_the_place_or_of_its_backup(runs):
    after = search_files(runs.folder / "place", without=("query",))

    assert not runs.before and not after
    # The query of an address identifies the content, and is kept readable in the store: docs/limits.md.
    assert set(search_files(runs.folder / "place")) <= {f"data/restante.db{end}" for end in ("", "-wal", "-shm")}


def test_no_canary_is_in_a_file_of_the_device(runs):
    home = runs.ana.home / "restante"

    assert not search_files(runs.ana.home)
    assert not [path for path in home.rglob("*") if path.stat().st_mode & 0o077]
    assert list((home / "outbox").iterdir()) and (home / "logins.sealed").exists() and (home / "mail.sealed").exists()
    assert (runs.ana.home / "made.restante").stat().st_size > 500


def test_neither_server_nor_worker_leaves_a_core_dump(runs):
    assert runs.permitted != ("0", "0"), "this machine permits nobody a core dump: nothing can be told"
    assert set(runs.dumps.values()) == {("0", "0")} and len(runs.dumps) >= 2
    assert not runs.dumped


def test_the_search_finds_planted_canaries(runs, tmp_path):
    secret = CANARIES["password"]
    (tmp_path / "plain").write_text(f"x{secret}x")
    for phase in range(3):
        (tmp_path / f"basic{phase}").write_bytes(base64.b64encode(b"u" * phase + f":{secret}:".encode()))
    child = subprocess.Popen(["sleep", "60"], env={"SECRET": secret})
    try:
        found = wait_until("the program's environment", lambda: search_processes([child.pid]))
        assert found == {child.pid: {"password"}}
    finally:
        child.kill()
        child.wait()
    assert search_files(tmp_path) == dict.fromkeys(("plain", "basic0", "basic1", "basic2"), {"password"})


def test_a_stolen_data_folder_is_worth_nothing_without_the_master_key(runs):
    """C7. `runs` has ended with the server dead."""
    stolen = Place(runs.folder / "stolen")
    shutil.copytree(runs.place.data, stolen.data, ignore=shutil.ignore_patterns("*.sock", "lock"))
    (stolen.data / "keys" / "master.key").unlink()
    assert not search_files(stolen.data, without=("query",))

    for key in (None, os.urandom(32)):
        if key:
            (stolen.data / "keys" / "master.key").write_bytes(key)
            (stolen.data / "keys" / "master.key").chmod(0o600)
        with pytest.raises(BedError):
            stolen.start()
        assert "master key" in stolen.log()
