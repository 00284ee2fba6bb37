# SPDX-License-Identifier: Apache-2.0
"""Signing in at content servers: Digest, client certificates, OAuth, stored logins; against real servers and odd ones."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import types

import pytest
from bed.certificates import Authority
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.documents import document, ended, fetch, submit
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import Program, free_port, wait_until
from bed.sink import DigestGate, Sink, TokenEndpoint, reply

CANARY = "K4N4RY-1f7a55e0c2"
APACHE = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"


@pytest.fixture(scope="module")
def stage():
    """One place and one device for all of these tests; a root of our own that the place trusts."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    authority = Authority(folder / "authority")
    place = Place(folder / "place", ALLOW_LOOPBACK + f'[worker]\nca_bundle = "{authority.certificate}"\n')
    place.start()
    place.add_user("ana")
    ana = Device(folder / "ana")
    ana.connect("home", place.pair("ana"))
    yield types.SimpleNamespace(folder=folder, authority=authority, place=place, ana=ana, token=ana.token())
    place.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sinks():
    made = []

    def make(answer=None, **options):
        made.append(Sink(answer, **options))
        return made[-1]
    yield make
    for sink in made:
        sink.close()


def server_tls(authority, address="127.0.0.1", ask=False) -> ssl.SSLContext:
    """`ask`: for a client certificate of that authority, which need not be given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(address))
    if ask:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(authority.certificate)
    return context


def send(stage, url, *options, secret=CANARY, check=True):
    return stage.ana.json("send", url, *options, "--no-probe", "--wait", "--max-attempts", "1", input=secret + "\n" if secret else None,
                          check=check)[0]


# ---- Digest

@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "SHA-256-sess"])
def test_digest_signs_in_without_sending_the_password(stage, sinks, algorithm):
    gate = DigestGate("ana", CANARY, algorithm, userhash=algorithm == "SHA-512-256")
    sink = sinks(gate)

    done = send(stage, sink.plain + "/x.bin?a=b", "--user", "ana", "--digest", "--secret-stdin")
    again = send(stage, sink.plain + "/y.bin", "--user", "ana", "--digest", "--secret-stdin")

    assert done["state"] == again["state"] == "done", (done, again)
    assert CANARY.encode() not in sink.heard and base64.b64encode(f"ana:{CANARY}".encode()) not in sink.heard
    assert gate.issued == 1, "the nonce was not used again"


def test_digest_asks_for_a_new_nonce_when_the_old_one_is_stale(stage, sinks):
    gate = DigestGate("ana", CANARY, uses=1)
    sink = sinks(gate)

    states = [send(stage, f"{sink.plain}/{i}", "--user", "ana", "--digest", "--secret-stdin")["state"] for i in range(3)]

    assert states == ["done"] * 3 and gate.accepted == 3 and gate.issued == 3


def test_a_wrong_password_is_looked_at_once(stage, sinks):
    gate, endless = DigestGate("ana", "another"), DigestGate("ana", CANARY, stale_forever=True)
    sink, stuck = sinks(gate), sinks(endless)

    refused = send(stage, sink.plain + "/x", "--user", "ana", "--digest", "--secret-stdin", check=1)
    turning = send(stage, stuck.plain + "/x", "--user", "ana", "--digest", "--secret-stdin", check=1)

    assert refused["reason"] == turning["reason"] == "auth-expired"
    assert gate.refused == 1 and len(sink.requests) == 2
    assert len(stuck.requests) == 3


def test_digest_only_never_gives_the_password_to_a_server_that_wants_basic(stage, sinks):
    sink = sinks(lambda request: reply(401, WWW_Authenticate=['Basic realm="x"', 'Digest realm="x", nonce="n", qop="auth-int"']))

    refused = send(stage, sink.plain + "/x", "--user", "ana", "--digest", "--secret-stdin", check=1)

    assert refused["reason"] == "auth-required" and len(sink.requests) == 1
    assert b"Authorization" not in sink.heard


def test_a_password_works_where_only_digest_is_offered_and_is_not_tried_twice_where_basic_is(stage, sinks):
    only, both = DigestGate("ana", CANARY), DigestGate("ana", CANARY, also=['Basic realm="x"'])
    near, far = sinks(only), sinks(both)

    done = send(stage, near.plain + "/x", "--user", "ana", "--secret-stdin")
    refused = send(stage, far.plain + "/x", "--user", "ana", "--secret-stdin", check=1)

    assert done["state"] == "done" and only.accepted == 1
    assert refused["reason"] == "auth-expired" and len(far.requests) == 1


@pytest.fixture
def apache(stage):
    """Debian's Apache with mod_auth_digest."""
    assert pathlib.Path(APACHE).exists(), "apache2-bin is missing: ./dev setup test"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="apache-", dir=stage.folder))
    folder.chmod(0o755)
    stage.folder.chmod(0o755)
    port = free_port()
    digest = make_file(folder / "root" / "file.bin", 50_000, 3)
    hashed = hashlib.md5(f"ana:vault:{CANARY}".encode()).hexdigest()
    (folder / "users").write_text(f"ana:vault:{hashed}\n")
    loads = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in (
        "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest"))
    (folder / "httpd.conf").write_text(f"""
ServerRoot {folder}
ServerName 127.0.0.1
PidFile {folder}/pid
DefaultRuntimeDir {folder}
Mutex posixsem
ErrorLog {folder}/error.log
{loads}
Listen 127.0.0.1:{port}
DocumentRoot {folder}/root
LogFormat "%s %r" short
<Directory {folder}/root>
  AuthType Digest
  AuthName vault
  AuthDigestProvider file
  AuthUserFile {folder}/users
  AuthDigestNonceLifetime 1
  Require valid-user
</Directory>
""")
    program = Program([APACHE, "-f", folder / "httpd.conf", "-D", "FOREGROUND"], folder / "apache.log")
    wait_until("apache", lambda: (folder / "pid").exists() and _connects(port))
    yield types.SimpleNamespace(url=f"http://127.0.0.1:{port}/file.bin", sha256=digest)
    program.stop()


def _connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def test_digest_signs_in_at_apache(stage, apache):
    done = send(stage, apache.url, "--user", "ana", "--digest", "--secret-stdin", "--checksum", f"sha-256={apache.sha256}")
    wrong = send(stage, apache.url, "--user", "ana", "--digest", "--secret-stdin", secret="wrong", check=1)

    assert done["state"] == "done" and wrong["reason"] == "auth-expired"


# ---- client certificates

@pytest.fixture(scope="module")
def vault(stage):
    """nginx that wants a client certificate of our authority."""
    authority = stage.authority
    server = ContentServer(stage.folder / "vault", authority=authority,
                           extra=f'ssl_verify_client on; ssl_client_certificate "{authority.certificate}";')
    server.start()
    make_file(server.root / "secret.bin", 20_000, 5)
    yield server
    server.stop()


def test_a_client_certificate_opens_what_wants_one(stage, vault):
    certificate, key = stage.authority.issue("ana")
    whole = stage.folder / "both.pem"
    whole.write_text(key.read_text() + certificate.read_text())

    by_files = send(stage, vault.tls_url + "/secret.bin", "--cert", certificate, "--key", key, secret=None)
    in_one = send(stage, vault.tls_url + "/secret.bin", "--cert", whole, secret=None)
    by_stdin = send(stage, vault.tls_url + "/secret.bin", "--cert", certificate, "--key", "-", secret=key.read_text())

    assert [one["state"] for one in (by_files, in_one, by_stdin)] == ["done"] * 3


@pytest.mark.parametrize("which", ["expired", "foreign"])
def test_a_client_certificate_that_is_not_accepted_needs_the_person(stage, vault, which):
    options = {"expired": {"end": "20250601000000Z"}, "foreign": {"self_signed": True}}[which]
    certificate, key = stage.authority.issue_odd(f"client-{which}", "ana.example", **options)

    refused = send(stage, vault.tls_url + "/secret.bin", "--cert", certificate, "--key", key, secret=None, check=1)

    assert refused["state"] == "held" and refused["reason"] == "auth-expired" and "certificate" in refused["message"]
    if which == "expired":
        assert "2025-06-01" in refused["message"]


def test_a_server_that_ends_the_handshake_for_want_of_a_certificate_is_understood(stage, sinks):
    context = server_tls(stage.authority, ask=True)
    context.verify_mode = ssl.CERT_REQUIRED
    sink = sinks(tls=context)

    refused = send(stage, sink.secure + "/x", secret=None, check=1)

    assert refused["reason"] == "auth-required" and "certificate" in refused["message"]


def test_a_key_that_does_not_belong_or_is_encrypted_is_refused_at_once(stage):
    certificate, _ = stage.authority.issue("ana")
    _, other = stage.authority.issue("other")
    locked = stage.folder / "locked.pem"
    subprocess.run(["openssl", "pkey", "-in", other, "-aes256", "-passout", "pass:x", "-out", locked], check=True)

    for key, words in ((other, "does not belong"), (locked, "passphrase")):
        done = stage.ana.run("send", "https://127.0.0.1/x", "--cert", certificate, "--key", key, check=2)
        assert words in done.stderr and "BEGIN" not in done.stderr


# ---- OAuth

def oauth(sink_url, endpoint_url, **more):
    return {"id": "c1", "kind": "oauth", "scope": [sink_url], "token_endpoint": endpoint_url + "/token", "client_id": "me",
            "refresh_token": "first-refresh", **more}


def guarded(endpoint):
    """A content server that takes the newest access token only."""
    def answer(request):
        right = endpoint.access_tokens and request.get("authorization") == f"Bearer {endpoint.access_tokens[-1]}"
        return reply() if right else reply(401, WWW_Authenticate="Bearer")
    return answer


@pytest.mark.parametrize("tokens", [{}, {"access_token": "old", "expires": 1000}, {"access_token": "old"}])
def test_an_access_token_is_renewed_when_it_is_missing_too_old_or_refused(stage, sinks, tokens):
    endpoint = TokenEndpoint("first-refresh")
    door, sink = sinks(endpoint), sinks(guarded(endpoint))

    done = fetch(stage.place, stage.token, document(stage.place, sink.plain + "/x.bin", [oauth(sink.plain, door.plain, **tokens)]))

    assert done["state"] == "done", done
    assert endpoint.asked == 1 and endpoint.refused == 0
    assert len(sink.requests) == (2 if "expires" not in tokens and tokens else 1)
    assert b"refresh" not in sink.heard and b"access" not in door.heard.split(b"\r\n\r\n")[0]


def test_a_sign_in_that_is_not_renewed_needs_the_person_and_is_not_asked_for_again(stage, sinks):
    endpoint = TokenEndpoint("another")
    door, sink = sinks(endpoint), sinks(guarded(endpoint))
    useless = TokenEndpoint("first-refresh")
    generous, closed = sinks(useless), sinks(lambda request: reply(401))

    refused = fetch(stage.place, stage.token, document(stage.place, sink.plain + "/x", [oauth(sink.plain, door.plain)], attempts=5))
    circling = fetch(stage.place, stage.token, document(stage.place, closed.plain + "/x", [oauth(closed.plain, generous.plain)], attempts=5))

    assert (refused["state"], refused["reason"]) == ("held", "auth-expired") and "invalid_grant" in refused["message"]
    assert "secret words" not in json.dumps(refused)
    assert endpoint.asked == 1 and not sink.requests
    assert (circling["state"], circling["reason"]) == ("held", "auth-expired")
    assert useless.asked == 1 and len(closed.requests) == 1


def test_rotated_tokens_outlive_the_death_of_the_server(stage, sinks):
    endpoint = TokenEndpoint("first-refresh")
    busy = [True]
    gate = guarded(endpoint)
    door, sink = sinks(endpoint), sinks(lambda request: reply(503, Retry_After="1") if busy[0] else gate(request))
    status, accepted = submit(stage.place, stage.token,
                              document(stage.place, sink.plain + "/x.bin", [oauth(sink.plain, door.plain)], attempts=20))
    assert status == 202
    wait_until("the first use of the new token", lambda: sink.requests)

    stage.place.kill()
    stage.place.start()
    busy[0] = False
    done = ended(stage.place, stage.token, accepted["id"])

    assert done["state"] == "done" and endpoint.asked == 1, "the rotated token was lost"
    assert all(request.get("authorization") == f"Bearer {endpoint.access_tokens[0]}" for request in sink.requests)
    assert b"K4N4RY" not in b"".join(path.read_bytes() for path in stage.place.data.rglob("*") if path.is_file())
    assert "K4N4RY" not in stage.place.log()


def test_new_tokens_are_not_used_before_they_are_stored(stage, sinks):
    """The server is stopped, as SIGSTOP does it, while the endpoint answers: nothing can be stored, so nothing is asked."""
    endpoint = TokenEndpoint("first-refresh")
    door, sink = sinks(endpoint), sinks(guarded(endpoint))
    pid = stage.place.program.pid
    endpoint.before = lambda: os.kill(pid, signal.SIGSTOP)
    try:
        status, accepted = submit(stage.place, stage.token, document(stage.place, sink.plain + "/x.bin", [oauth(sink.plain, door.plain)]))
        assert status == 202
        wait_until("the token endpoint", lambda: endpoint.access_tokens)
        wait_until("the worker's answer", lambda: _queued_for(pid))
        assert not sink.requests
    finally:
        os.kill(pid, signal.SIGCONT)
    assert ended(stage.place, stage.token, accepted["id"])["state"] == "done"


def _queued_for(pid) -> bool:
    """Whether a packet waits for the stopped server on a socket of its own (SOCK_SEQPACKET, as the workers' channels are)."""
    out = subprocess.run(["ss", "-xpH", "-A", "unix_seqpacket"], capture_output=True, text=True, check=True).stdout
    return any(int(line.split()[1]) > 0 for line in out.splitlines() if f"pid={pid}," in line)


# ---- stored logins

def test_a_stored_login_is_used_by_its_origin_and_shown_by_name_only(stage, sinks):
    gate = lambda request: reply() if request.get("authorization") else reply(401)  # noqa: E731
    near, far = sinks(gate), sinks(gate)
    stage.ana.run("login", "add", near.plain, "--user", "ana", "--secret-stdin", input=CANARY + "\n")
    stage.ana.run("login", "add", near.plain, "--header", "X-Api-Key", "--secret-stdin", input=CANARY + "\n")

    listed = stage.ana.json("login", "list")
    own = stage.ana.run("--json", "send", near.plain + "/x", "--no-probe", "--wait")
    other = send(stage, far.plain + "/x", secret=None, check=1)
    named = send(stage, near.plain + "/y", "--user", "bob", "--secret-stdin", secret="another")

    assert listed == [{"origin": near.plain, "kind": "basic", "user": "ana"}, {"origin": near.plain, "kind": "headers", "user": "x-api-key"}]
    assert '"done"' in own.stdout and "stored login" in own.stderr and CANARY not in own.stdout + own.stderr
    assert near.requests[0].get("authorization") == "Basic " + base64.b64encode(f"ana:{CANARY}".encode()).decode()
    assert near.requests[0].get("x-api-key") == CANARY
    assert other["reason"] == "auth-required" and CANARY.encode() not in far.heard
    assert named["state"] == "done" and near.requests[1].get("authorization").endswith(base64.b64encode(b"bob:another").decode())
    assert near.requests[1].get("x-api-key") is None
    for path in (stage.ana.home / "restante").rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes() and path.stat().st_mode & 0o077 == 0, path
    stage.ana.run("login", "remove", near.plain)
    assert stage.ana.json("login", "list") == []
    assert "there is no login" in stage.ana.run("login", "remove", near.plain, check=1).stderr


def test_logins_of_every_kind_can_be_stored(stage, sinks):
    endpoint = TokenEndpoint("refresh-of-login")
    door, sink = sinks(endpoint), sinks(guarded(endpoint))
    certificate, key = stage.authority.issue("ana")

    stage.ana.run("login", "add", sink.plain, "--token-endpoint", door.plain + "/token", "--client-id", "me", "--secret-stdin",
                  input="refresh-of-login\n")
    stage.ana.run("login", "add", "https://files.example", "--cert", certificate, "--key", "-", input=key.read_text())
    stage.ana.run("login", "add", "https://files.example", "--secret-stdin", input=CANARY + "\n")
    stage.ana.run("login", "add", "https://files.example", "--user", "ana", "--digest", "--secret-stdin", input=CANARY + "\n")

    assert [one["kind"] for one in stage.ana.json("login", "list")] == ["oauth", "bearer", "tls", "digest"]
    assert send(stage, sink.plain + "/x", secret=None)["state"] == "done"
    for origin in (sink.plain, "https://files.example"):
        stage.ana.run("login", "remove", origin)


@pytest.mark.parametrize("arguments", [
    ["files.example", "--user", "a"], ["https://files.example/path", "--user", "a"], ["https://u@files.example", "--user", "a"],
    ["https://files.example", "--user", "a", "--header", "X-Key"], ["https://files.example", "--client-id", "me"],
    ["https://files.example", "--user", "a:b"], ["https://files.example", "--header", "X Key"], ["https://files.example", "--digest"],
    ["ftp//", "--user", "a"], ["https://files.example", "--key", "/nowhere"], ["https://files.example", "--token-endpoint", "x", "--client-id", "y"]])
def test_a_login_that_could_not_work_is_not_stored(stage, arguments):
    done = stage.ana.run("login", "add", *arguments, "--secret-stdin", input=CANARY + "\n", check=2)

    assert CANARY not in done.stdout + done.stderr and stage.ana.json("login", "list") == []
