# SPDX-License-Identifier: Apache-2.0
"""Secrets stay with the origin, the account and the request that they were given for, and inside trusted connections."""
import base64
import contextlib
import json
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import types
import warnings

import pytest
from bed.certificates import Authority
from bed.device import Device
from bed.documents import document, ended, fetch, submit
from bed.place import ALLOW_LOOPBACK, Place
from bed.sink import DigestGate, Sink, TokenEndpoint, reply

CANARY = "K4N4RY"
KINDS = ("basic", "bearer", "digest", "cookies", "headers", "arbitrary", "tls", "oauth", "referer")
CHANGES = ("host", "port", "scheme")
WAYS = ("direct", "two", "back", "mirror")


@pytest.fixture(scope="module")
def stage():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    authority = Authority(folder / "authority")
    place = Place(folder / "place", ALLOW_LOOPBACK + f'[worker]\nca_bundle = "{authority.certificate}"\n[limits]\nsubmit_per_minute = 100000\n')
    place.start()
    tokens = {}
    for name in ("ana", "bob"):
        place.add_user(name)
        device = Device(folder / name)
        device.connect("home", place.pair(name))
        tokens[name] = device.token()
    yield types.SimpleNamespace(folder=folder, authority=authority, place=place, token=tokens["ana"], other_token=tokens["bob"])
    place.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sinks():
    with contextlib.ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(contextlib.closing(Sink(*arguments, **options)))


def tls_server(authority, address, ask=True) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(address))
    if ask:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(authority.certificate)
    return context


# ---- C1: another origin

def secrets_of(kind, origin, endpoint, client):
    """(access, headers) of a document with a secret of that kind for the origin."""
    one = {"id": "c1", "kind": kind, "scope": [origin]}
    if kind in ("basic", "digest"):
        return [{**one, "user": "ana", "password": f"{CANARY}-{kind}"}], []
    if kind == "bearer":
        return [{**one, "token": f"{CANARY}-{kind}"}], []
    if kind == "cookies":
        return [{**one, "cookies": [{"name": "s", "value": f"{CANARY}-{kind}", "host": "127.0.0.1", "path": "/"}]}], []
    if kind == "headers":
        return [{**one, "headers": [["x-api-key", f"{CANARY}-{kind}"]]}], []
    if kind == "tls":
        return [{**one, "cert": client[0], "key": client[1]}], []
    if kind == "oauth":
        return [{**one, "token_endpoint": endpoint, "client_id": "me", "refresh_token": "first-refresh"}], []
    if kind == "arbitrary":
        return [], [["X-Something", f"{CANARY}-{kind}"]]
    return [], [["Referer", f"{origin}/page?{CANARY}-{kind}"]]


def holds_secret(request) -> str:
    """What of ours a request carries."""
    raw = request.raw.decode("latin-1")
    basic = base64.b64encode(f"ana:{CANARY}-basic".encode()).decode()
    found = [word for word in (CANARY, basic, "Digest username", "first-refresh") if word in raw or word in request.body.decode()]
    return ", ".join(found + ["a certificate"] * request.peer_certificate)


def test_no_secret_reaches_another_origin(stage, sinks):
    gate = DigestGate("ana", f"{CANARY}-digest")
    far_of = {}

    def near_answer(request):
        _, kind, change, way, *rest = request.path.split("/")
        if change == "scheme" and request.scheme == "https":
            return reply()
        if kind == "digest" and not (request.get("authorization") or "").startswith("Digest "):
            return gate(request)
        if rest == ["end"]:
            return reply()
        if way == "mirror":
            return reply(404)
        if way == "two" and not rest:
            return reply(302, b"", Location=f"/{kind}/{change}/{way}/second")
        return reply(307 if way == "two" else 302, b"", Location=far_of[kind, change] + f"/{kind}/{change}/{way}")

    def far_answer(request):
        parts = request.path.split("/")
        if len(parts) == 4 and parts[3] == "back":
            return reply(301, b"", Location=near_of[parts[1]] + request.path + "/end")
        return reply()

    near = sinks(near_answer, tls=tls_server(stage.authority, "127.0.0.1"))
    host = sinks(far_answer, address="127.0.0.2", port=near.port, tls=tls_server(stage.authority, "127.0.0.2"))
    port = sinks(far_answer, tls=tls_server(stage.authority, "127.0.0.1"))
    endpoint = sinks(TokenEndpoint("first-refresh", rotate=False))
    client = [path.read_text() for path in stage.authority.issue("ana")]
    near_of = {kind: near.secure if kind == "tls" else near.plain for kind in KINDS}
    jobs = {}
    for kind in KINDS:
        for change in CHANGES:
            if kind == "tls" and change == "scheme":
                continue  # from https to http nothing is followed: see the next test
            secure = kind == "tls"
            far_of[kind, change] = {"host": host.secure if secure else host.plain, "port": port.secure if secure else port.plain,
                                    "scheme": near.secure}[change]
            for way in WAYS:
                if change == "scheme" and way == "back":
                    continue  # that way leads from https to http
                access, headers = secrets_of(kind, near_of[kind], endpoint.plain + "/token", client)
                path = f"/{kind}/{change}/{way}"
                mirrors = [far_of[kind, change] + path + ("/end" if change == "scheme" else "")] if way == "mirror" else []
                core = document(stage.place, near_of[kind] + path, access, headers=headers, mirrors=mirrors)
                jobs[kind, change, way] = submit(stage.place, stage.token, core)
    wrong = {key: answer for key, (status, answer) in jobs.items() if status != 202}
    assert not wrong
    ends = {key: ended(stage.place, stage.token, answer["id"], 60) for key, (_, answer) in jobs.items()}

    def is_near(request, kind):
        return request.scheme == near_of[kind].split(":")[0]

    leaks, seen_at_home, seen_abroad = [], set(), 0
    for sink in (near, host, port):
        for request in sink.requests:
            kind = request.path.split("/")[1]
            if sink is near and is_near(request, kind):
                if holds_secret(request):
                    seen_at_home.add(kind)
            else:
                seen_abroad += 1
                if found := holds_secret(request):
                    leaks.append(f"{sink.plain} {request.scheme} {request.target}: {found}")
    assert not leaks
    assert seen_at_home == set(KINDS), "a kind of secret never reached its own server: the search could not fail"
    unfinished = {key: (end["state"], end.get("reason"), end.get("message")) for key, end in ends.items() if end["state"] != "done"}
    assert not unfinished and seen_abroad >= len(ends)
    # The written rule: an origin in the credential's scope gets it again when the way leads back.
    back = [request for request in near.requests if request.path.endswith("/back/end")]
    assert {request.path.split("/")[1] for request in back if holds_secret(request)} == set(KINDS)


def test_a_secret_is_not_given_up_because_another_origin_asks_for_it(stage, sinks):
    far = sinks(lambda request: reply(401, WWW_Authenticate=['Basic realm="x"', 'Digest realm="x", nonce="n", qop="auth"', "Bearer"]))
    near = sinks(lambda request: reply(302, b"", Location=far.plain + "/x"))
    endpoint = sinks(TokenEndpoint("first-refresh"))

    for kind in ("basic", "digest", "bearer", "oauth"):
        access, _ = secrets_of(kind, near.plain, endpoint.plain + "/token", None)
        end = fetch(stage.place, stage.token, document(stage.place, near.plain + "/x", access))
        assert end["reason"] == "auth-required", (kind, end)

    assert len(far.requests) == 4 and not any(map(holds_secret, far.requests))
    assert b"Authorization" not in far.heard


def test_from_https_to_http_nothing_is_followed(stage, sinks):
    far = sinks()
    near = sinks(lambda request: reply(302, b"", Location=far.plain + "/x"), tls=tls_server(stage.authority, "127.0.0.1"))

    end = fetch(stage.place, stage.token, document(stage.place, near.secure + "/x", secrets_of("bearer", near.secure, "", None)[0]))

    assert end["reason"] == "redirect-refused" and not far.requests and CANARY.encode() in near.heard


# ---- C3: one header block

FAULTS = ["\r", "\n", "\r\nX-Evil: 1", "\0", "\u0085", "\u2028", "\u2029"]
ENCODED = ["%0d", "%0A", "%0d%0aX-Evil:%201", "%00"]


def with_fault(core, where, fault):
    """The document with the fault in the middle of the text at that place, and the place's pointer."""
    out = json.loads(json.dumps(core))
    at = out
    for key in where[:-1]:
        at = at[key]
    text = at[where[-1]]
    middle = max(len(text) // 2, text.find("/", 9) + 1 if text.startswith("http") else 0)
    at[where[-1]] = text[:middle] + fault + text[middle:]
    return out


def test_nothing_that_could_begin_another_header_is_accepted(stage, sinks):
    sink = sinks()
    origin = sink.plain
    access = [{"id": "a", "kind": "basic", "scope": [origin], "user": "anna", "password": "pass"},
              {"id": "b", "kind": "bearer", "scope": [origin], "token": "token"},
              {"id": "c", "kind": "cookies", "scope": [origin],
               "cookies": [{"name": "name", "value": "value", "host": "127.0.0.1", "domain": "127.0.0.1", "path": "/path"}]},
              {"id": "d", "kind": "headers", "scope": [origin], "headers": [["x-key", "value"]]},
              {"id": "e", "kind": "digest", "scope": [origin], "user": "anna", "password": "pass"},
              {"id": "f", "kind": "oauth", "scope": [origin], "token_endpoint": origin + "/token", "client_id": "client", "client_secret": "secret",
               "refresh_token": "refresh", "access_token": "access"},
              {"id": "g", "kind": "tls", "scope": [origin], "cert": "-----BEGIN CERTIFICATE-----", "key": "-----BEGIN PRIVATE KEY-----"}]
    core = document(stage.place, origin + "/file.bin", access[:6], name="name.bin",
                    headers=[["referer", origin + "/page"], ["x-other", "value"], ["accept", "a/b"]])
    core["what"].update(title="title", folder="folder")
    core["what"]["files"][0].update(path="path", type="a/b")
    fields = [("what", "title"), ("what", "folder"), *(("what", "files", 0, name) for name in ("name", "path", "type"))]
    source = ("what", "files", 0, "sources", 0)
    fields += [(*source, "url"), *((*source, "request", "headers", i, j) for i in range(3) for j in range(2))]
    fields += [("access", i, name) for i, one in enumerate(access[:6]) for name, value in one.items() if isinstance(value, str)]
    fields += [("access", i, "scope", 0) for i in range(6)]
    fields += [("access", 2, "cookies", 0, name) for name in ("name", "value", "host", "domain", "path")]
    fields += [("access", 3, "headers", 0, i) for i in range(2)]
    assert submit(stage.place, stage.token, {**core, "when": {"start": "2030-01-01T00:00:00Z"}})[0] == 202

    accepted = []
    for where in fields:
        faults = FAULTS + (ENCODED if where[-1] in ("url", "token_endpoint") else [])
        for fault in faults:
            status, problem = submit(stage.place, stage.token, with_fault(core, where, fault))
            if not (400 <= status < 500 and problem.get("pointer")):
                accepted.append((where, fault, status))
    for name in ("cert", "key"):
        status, problem = submit(stage.place, stage.token, {**core, "access": [{**access[6], name: access[6][name] + "\0"}]})
        assert status == 400 and problem["pointer"] == f"/access/0/{name}"

    assert not accepted and len(fields) > 40
    assert not sink.requests


def test_odd_but_harmless_texts_make_one_header_block(stage, sinks):
    sink = sinks()
    access = [{"id": "a", "kind": "basic", "scope": [sink.plain], "user": "Jäsøn %0d%0a", "password": "\"\\'; \u00a0ü%00"},
              {"id": "b", "kind": "cookies", "scope": [sink.plain], "cookies": [{"name": "s", "value": "a=\"b\\\" %0a é", "host": "127.0.0.1"}]},
              {"id": "c", "kind": "headers", "scope": [sink.plain], "headers": [["x-key", "a\tb: c %0d%0a ü"], ["x-empty", ""]]}]

    end = fetch(stage.place, stage.token, document(stage.place, sink.plain + "/a%20b%7F?c=%E5%98%8A", access, headers=[["referer", "x:y %0a"]]))

    assert end["state"] == "done", end
    raw = sink.heard
    assert raw.count(b"\r\n\r\n") == 1 and raw.endswith(b"\r\n\r\n") and raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert len(sink.requests) == 1 and sink.requests[0].get("x-key") == "a\tb: c %0d%0a ü".encode().decode("latin-1")


# ---- C4: another account, another request

def test_connections_are_never_shared_between_accounts_or_credentials(stage, sinks):
    def answer(request):
        signed_in = request.get("authorization") or request.peer_certificate
        return reply() if signed_in else reply(401, WWW_Authenticate='Digest realm="x", nonce="n", qop="auth"')
    sink = sinks(answer, tls=tls_server(stage.authority, "127.0.0.1"))
    client = [path.read_text() for path in stage.authority.issue("ana")]

    def get(token, kind, password="one"):
        access = secrets_of(kind, sink.secure, "", client)[0] if kind else []
        if access and "password" in access[0]:
            access[0]["password"] = password
        return fetch(stage.place, token, document(stage.place, f"{sink.secure}/{kind}-{password}", access))

    first = [get(stage.token, kind)["state"] for kind in ("basic", "digest", "bearer", "tls")]
    others = get(stage.other_token, None)
    mine_without = get(stage.token, None)
    second = get(stage.token, "basic", "two")["state"]
    kept = get(stage.token, "basic")["state"]

    assert first == ["done"] * 4 and second == kept == "done"
    assert others["reason"] == mine_without["reason"] == "auth-required"
    told = {}
    for request in sink.requests:
        identity = (request.path, request.peer_certificate)
        told.setdefault(request.connection, set()).add(identity)
    assert all(len(identities) == 1 for identities in told.values()), told
    assert sum(request.path == "/basic-one" for request in sink.requests) == 2
    assert len({request.connection for request in sink.requests if request.path == "/basic-one"}) == 1, "kept connections serve their own"
    workers = {}
    for line in stage.place.log().splitlines():
        if "is ready; locks" in line:
            pid, _, _, account = line.split("worker ")[1].split()[:4]
            workers.setdefault(account, set()).add(pid)
    assert len(workers) == 2 and not set.intersection(*workers.values())


# ---- C5: connections that cannot be trusted

def server_with(certificate, key, *, lowest=None, ciphers=None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = lowest or ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.load_cert_chain(certificate, key)
    return context


def careless_get(port) -> bytes:
    """What a client gets that trusts everything: so the server works, and only trust is missing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:eNULL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
    with socket.create_connection(("127.0.0.1", port), 10) as raw, context.wrap_socket(raw) as peer:
        peer.sendall(b"GET /careless HTTP/1.1\r\nHost: x\r\n\r\n")
        return peer.recv(1000)


def test_no_byte_of_a_secret_is_sent_to_a_server_that_cannot_be_trusted(stage, sinks):
    authority, strangers = stage.authority, Authority(stage.folder / "strangers")
    good = authority.issue("127.0.0.1")
    bad = {
        "expired": server_with(*authority.issue_odd("expired", end="20250601000000Z")),
        "not yet valid": server_with(*authority.issue_odd("not-yet", start="20390101000000Z")),
        "self-signed": server_with(*authority.issue_odd("self-signed", self_signed=True)),
        "another host": server_with(*authority.issue_odd("another", "another.example")),
        "unknown root": server_with(*strangers.issue("127.0.0.1")),
        "RSA with 1024 bits": server_with(*authority.issue_odd("rsa-1024", key="rsa:1024")),
        "signed with SHA-1": server_with(*authority.issue_odd("sha-1", digest="sha1")),
        "TLS 1.0": server_with(*good, lowest=ssl.TLSVersion.TLSv1),
        "TLS 1.1": server_with(*good, lowest=ssl.TLSVersion.TLSv1_1),
        "no encryption": server_with(*good, lowest=ssl.TLSVersion.TLSv1_2, ciphers="eNULL:@SECLEVEL=0"),
    }
    right = {"TLS 1.3": server_with(*good), "TLS 1.2": server_with(*good, lowest=ssl.TLSVersion.TLSv1_2),
             "RSA with 2048 bits": server_with(*authority.issue_odd("rsa-2048", key="rsa:2048"))}
    listeners = {name: sinks(tls=context) for name, context in {**bad, **right}.items()}
    jobs = {}
    for name, sink in listeners.items():
        assert b"content of the sink" in careless_get(sink.port), name
        sink.heard, sink.requests = b"", []
        core = document(stage.place, sink.secure + f"/x?{CANARY}", secrets_of("bearer", sink.secure, "", None)[0])
        jobs[name] = submit(stage.place, stage.token, core)[1]["id"]
    ends = {name: ended(stage.place, stage.token, id_) for name, id_ in jobs.items()}

    assert {name: (end["state"], end.get("reason")) for name, end in ends.items() if name in bad} == dict.fromkeys(bad, ("failed", "tls"))
    assert {name: listeners[name].heard for name in bad} == dict.fromkeys(bad, b"")
    assert {name: ends[name]["state"] for name in right} == dict.fromkeys(right, "done")
    assert all(CANARY.encode() in listeners[name].heard for name in right)


def test_no_weak_cipher_is_even_offered(stage):
    """RC4 and 3DES cannot be tried against Debian's OpenSSL, which lacks them: what the worker offers is read instead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/x"
        _, accepted = submit(stage.place, stage.token, document(stage.place, url))
        listener.settimeout(20)
        peer, _ = listener.accept()
        with peer:
            hello = peer.recv(65536)
        ended(stage.place, stage.token, accepted["id"])
    assert hello[0] == 22 and hello[5] == 1
    at = 9 + 2 + 32  # RFC 8446 §4.1.2: handshake head, version, random
    at += 1 + hello[at]
    size, = struct.unpack(">H", hello[at:at + 2])
    offered = {struct.unpack(">H", hello[i:i + 2])[0] for i in range(at + 2, at + 2 + size, 2)}
    lines = subprocess.run(["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], capture_output=True, text=True, check=True)
    names = {}
    for line in lines.stdout.splitlines():
        code, name = line.split(" - ")[0].strip(), line.split(" - ")[1].split()[0]
        high, low = (int(part, 16) for part in code.split(","))
        names[high << 8 | low] = name
    unknown = offered - names.keys() - {0x00ff}
    assert len(offered) > 5 and not unknown, sorted(map(hex, unknown))
    assert not [names[one] for one in offered if one in names and any(weak in names[one] for weak in ("NULL", "RC4", "3DES", "anon", "EXPORT", "MD5"))]
