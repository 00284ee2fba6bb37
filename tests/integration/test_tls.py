# SPDX-License-Identifier: Apache-2.0
"""TLS as people have it: given files, a reverse proxy, the place's own authority, and the open door (docs/tls.md)."""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import urllib.parse
import urllib.request

import pytest
import yaml
from bed import ROOT, namespaces
from bed.certificates import Authority
from bed.chromium import Chromium
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import Program, free_port, wait_until

NGINX = """
{user} daemon off; worker_processes 1; pid "{folder}/nginx.pid"; error_log "{folder}/error.log" warn;
events {{ worker_connections 256; }}
http {{
  access_log off; {temporary}
  server {{
    listen 127.0.0.1:{port} ssl; server_name localhost; ssl_certificate "{certificate}"; ssl_certificate_key "{key}";
    client_max_body_size 64m;
    location / {{
      proxy_pass http://127.0.0.1:{place}; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Connection "";
    }}
  }}
}}
"""


@pytest.fixture(scope="module")
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="restante-tls-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder / "authority")


def trusting(certificate: pathlib.Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def ask(base: str, path: str, certificate: pathlib.Path | None = None, method: str = "GET", body: bytes | None = None, **headers):
    """(status, headers, body); header names with _ for -."""
    request = urllib.request.Request(base + path, data=body, method=method,
                                     headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60, context=trusting(certificate) if certificate else None) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, dict(answer.headers), answer.read()


# ---- given files

@pytest.fixture(scope="module")
def given(folder, authority):
    """A place with certificate files of an authority that the system does not know; names localhost and 127.0.0.1."""
    for kind, source in zip(("pem", "key"), authority.issue("127.0.0.1")):
        shutil.copy(source, folder / f"given.{kind}")
    config = ALLOW_LOOPBACK + f'[tls]\ncertificate = "{folder}/given.pem"\nkey = "{folder}/given.key"\n'
    place = Place(folder / "given", config).start()
    place.add_user("ana")
    yield place
    place.stop()


def base_of(place: Place) -> str:
    return f"https://{place.listen[0]}"


def test_a_device_knows_a_place_with_a_given_certificate_by_its_name_and_proven_key(folder, authority, given):
    url = given.pair("ana")
    stranger, device = Device(folder / "stranger"), Device(folder / "device")

    refused = stranger.run("place", "add", "home", url, check=1)
    device.run("place", "add", "home", url, "--ca", authority.certificate)
    devices = device.json("device", "list")

    assert "another server answers" in refused.stderr and "known by its name" in refused.stderr
    assert url.startswith(base_of(given)) and len(devices) == 1


class Impostor:
    """A server with a valid certificate for its name that passes questions on to the true place, if `passes_on` says so."""

    def __init__(self, authority: Authority, passes_on=None):
        self.heard = b""
        impostor = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                impostor.heard += self.raw_requestline + bytes(self.headers) + self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = passes_on(self.path, self.headers["Host"]) if passes_on else b"{}"
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_POST = do_GET

            def log_message(self, *arguments):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("127.0.0.1"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def test_another_server_with_a_valid_certificate_learns_no_code(folder, authority, given):
    other = Place(folder / "other", given.config.read_text()).start()

    def of_the_place(path, host):
        return ask(base_of(given), path, authority.certificate)[2]

    def of_the_place_under_its_own_name(path, host):
        return ask(base_of(given), path, authority.certificate, Host=host)[2]

    def of_another_place(path, host):
        return ask(base_of(other), path, authority.certificate, Host=host)[2]

    url = given.pair("ana")
    code = url.split("c=")[1]
    for number, passes_on in enumerate((None, of_the_place, of_another_place)):
        impostor = Impostor(authority, passes_on)
        device = Device(folder / f"fooled-{number}")
        refused = device.run("place", "add", "home", url.replace(given.listen[0], impostor.address), "--ca", authority.certificate, check=1)
        impostor.stop()
        assert b"GET /.well-known/restante" in impostor.heard, "it was asked who it is"
        assert code.encode() not in impostor.heard
        assert "another server answers" in refused.stderr
    # The control: whoever proves the key under the name that was asked for does get the code.
    impostor = Impostor(authority, of_the_place_under_its_own_name)
    Device(folder / "fooled").run("place", "add", "home", url.replace(given.listen[0], impostor.address), "--ca", authority.certificate, check=False)
    impostor.stop()
    other.stop()
    assert code.encode() in impostor.heard


def test_new_files_are_shown_on_sighup_and_connections_go_on(folder, authority, given):
    second = Authority(folder / "second")
    kept = http.client.HTTPSConnection(given.listen[0], context=trusting(authority.certificate), timeout=60)
    kept.request("GET", "/healthz")
    kept.getresponse().read()

    def exchange(pem, key):
        for source, name in ((pem, "given.pem"), (key, "given.key")):
            shutil.copy(source, folder / "fresh")
            (folder / "fresh").rename(folder / name)
        os.kill(given.program.pid, signal.SIGHUP)

    def shown_by(certificate):
        try:
            return ask(base_of(given), "/healthz", certificate)[0] == 200
        except urllib.error.URLError:
            return False

    exchange(second.issue("127.0.0.1")[0], authority.issue("127.0.0.1")[1])
    wait_until("the bad pair in the log", lambda: "the key does not belong to the certificate" in given.log())
    assert shown_by(authority.certificate), "the old one stays"
    exchange(*second.issue("127.0.0.1"))
    wait_until("the new certificate", lambda: shown_by(second.certificate))
    kept.request("GET", "/healthz")
    assert kept.getresponse().status == 200
    assert not shown_by(authority.certificate)
    exchange(*authority.issue("127.0.0.1"))
    wait_until("the first authority again", lambda: shown_by(authority.certificate))


# ---- behind a reverse proxy

@pytest.fixture(scope="module")
def proxied(folder, authority):
    """A place on loopback behind nginx with TLS; `proxied.front` is the URL that people use."""
    home, port = folder / "proxy", free_port()
    home.mkdir()
    config = ALLOW_LOOPBACK + f'[listen]\ntrusted_proxies = ["127.0.0.1"]\npublic_url = "https://127.0.0.1:{port}"\n'
    place = Place(folder / "proxied", config).start()
    place.add_user("ana")
    certificate, key = authority.issue("127.0.0.1")
    temporary = " ".join(f'{name}_temp_path "{home}/tmp-{name}";' for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (home / "nginx.conf").write_text(NGINX.format(user="user root;" if os.geteuid() == 0 else "", folder=home, temporary=temporary, port=port,
                                                  certificate=certificate, key=key, place=place.listen[0].split(":")[1]))
    nginx = Program(["/usr/sbin/nginx", "-p", home, "-e", home / "error.log", "-c", home / "nginx.conf"], home / "nginx.log")
    wait_until("nginx", lambda: (home / "nginx.pid").exists() and (home / "nginx.pid").read_text().strip())
    place.front = f"https://127.0.0.1:{port}"
    yield place
    nginx.stop()
    place.stop()


@pytest.fixture(scope="module")
def behind(folder, authority, proxied):
    """A device that was connected through the reverse proxy."""
    device = Device(folder / "behind")
    device.run("place", "add", "home", proxied.pair("ana"), "--ca", authority.certificate)
    return device


def test_everything_goes_through_a_reverse_proxy(folder, authority, proxied, behind):
    content = ContentServer(folder / "content").start()
    digest = make_file(content.root / "x.bin", 3_000_000, 5)

    job, = behind.json("send", f"{content.url}/x.bin", "--wait")
    behind.run("get", "x.bin", "-o", folder / "x.bin")
    file, = behind.json("files")
    bearer = "Bearer " + behind.token()
    part = ask(proxied.front, f"/v1/files/{file['id']}", authority.certificate, Authorization=bearer, Range="bytes=10-19")
    content.stop()

    import hashlib
    assert job["state"] == "done"
    assert hashlib.sha256((folder / "x.bin").read_bytes()).hexdigest() == digest
    assert part[0] == 206 and part[2] == (folder / "x.bin").read_bytes()[10:20]


def test_events_come_through_a_reverse_proxy_at_once(authority, proxied, behind):
    bearer = {"Authorization": "Bearer " + behind.token()}
    events = http.client.HTTPSConnection(urllib.parse.urlsplit(proxied.front).netloc, context=trusting(authority.certificate), timeout=20)
    events.request("GET", "/v1/events", headers=bearer)
    stream = events.getresponse()
    first = stream.readline()

    job, = behind.json("send", f"http://127.0.0.1:{free_port()}/nothing", "--no-probe", "--at", "+1h")

    told = next(line for line in iter(stream.readline, b"") if job["id"].encode() in line)
    events.close()
    assert first and told.startswith(b"data:")


def test_a_large_upload_goes_through_a_reverse_proxy(authority, proxied, behind):
    lines = b"".join(b'{"padding":"' + b"x" * 1000 + b'"}\n' for _ in range(1500))

    status, _, body = ask(proxied.front, "/v1/proxies", authority.certificate, "POST", lines, Authorization="Bearer " + behind.token(),
                          Content_Type="application/jsonl")

    assert status == 200 and body.count(b'"refused"') == 1500


SIGN_IN = json.dumps({"user": "ana", "password": "correct horse battery"}).encode()


def test_secrets_are_taken_where_the_proxy_says_https_and_not_where_it_does_not(authority, proxied):
    def sign_in(base, certificate=None, **headers):
        return ask(base, "/v1/session", certificate, "POST", SIGN_IN, Content_Type="application/json", **headers)[0]

    plain = f"http://{proxied.listen[0]}"
    assert sign_in(proxied.front, authority.certificate) == 201
    assert sign_in(proxied.front, authority.certificate, X_Forwarded_For="127.0.0.1", X_Forwarded_Proto="http") == 201
    assert sign_in(plain) == 201
    assert sign_in(plain, X_Forwarded_For="192.0.2.1") == 403
    assert sign_in(plain, X_Forwarded_For="127.0.0.1", X_Forwarded_Proto="http") == 403


def test_forwarded_fields_of_anybody_else_change_nothing_for_the_better(place):
    def sign_in(**headers):
        return place.get("/v1/session", None, "POST", SIGN_IN, {"Content-Type": "application/json",
                                                                **{name.replace("_", "-"): value for name, value in headers.items()}})

    assert sign_in()[0] == 201
    for fields in ({"X_Forwarded_Proto": "https"}, {"X_Forwarded_For": "127.0.0.1"}, {"X_Forwarded_Host": "evil.example"},
                   {"Forwarded": "for=127.0.0.1;proto=https"}, {"X_Real_IP": "127.0.0.1"}):
        assert sign_in(**fields)[0] == 403, fields
    assert sign_in(Host="evil.example")[0] == 421
    nonce, device = "A" * 22, "A" * 43
    answer = json.loads(place.get(f"/.well-known/restante?nonce={nonce}&for={device}", None,
                                  headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})[2])
    assert "evil" not in json.dumps(answer) and "evil" not in _payload(answer["proof"])


def _payload(jws: str) -> str:
    import base64
    part = jws.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


# ---- the open door

PERMITTED = {"/.well-known/restante", "/.well-known/restante-jwks.json", "/.well-known/restante-jwks.jws", "/nav204", "/trust"}


def test_the_open_door_opens_nothing_but_what_it_is_for(work):
    """Every route and method of the contract, with and without a good token."""
    port = free_port()
    place = Place(work / "open", ALLOW_LOOPBACK + f'[listen]\nopen = ["127.0.0.1:{port}"]\n').start()
    place.add_user("ana")
    device = Device(work / "ana")
    device.connect("home", place.pair("ana"))
    base, bearer = f"http://127.0.0.1:{port}", "Bearer " + device.token()
    contract = yaml.safe_load((ROOT / "contract" / "openapi.yaml").read_text())
    tried = 0

    for pattern, operations in contract["paths"].items():
        path = "/".join("x" if part.startswith("{") and part.endswith("}") else part for part in pattern.split("/"))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            body = b"{}" if method in ("POST", "PUT", "PATCH") else None
            status, headers, _ = ask(base, path, None, method, body, Authorization=bearer, Cookie="restante=x", Content_Type="application/json")
            tried += 1
            wanted = {421}
            if method == "GET" and pattern in PERMITTED:
                wanted = {200, 204}
            elif method == "GET" and pattern.startswith("/trust/"):
                wanted = {404}  # a place on loopback has no authority
            elif (method, pattern) == ("POST", "/v1/proxies"):
                wanted = {403}
            assert status in wanted, (method, path, status)
            assert "Set-Cookie" not in headers
    sealed = ask(base, "/v1/proxies", None, "POST", b'{"protected":"e30","ciphertext":"AA"}', Content_Type="application/vnd.restante.sealed+json")
    jobs = place.get("/v1/jobs", device.token())
    place.stop()

    assert tried > 100
    assert sealed[0] == 422 and json.loads(sealed[2])["type"] == "/problems/seal-refused", "it was looked at"
    assert jobs[0] == 200 and json.loads(jobs[2]) == [], "the token is good at the other door"


# ---- the place's own authority

class Home:
    """A place with TLS of its own on all addresses, and somebody else's machine beside it."""

    def __init__(self, folder: pathlib.Path):
        mark = f"rt{os.getpid()}t"
        self.hosts = []
        self.hosts = [namespaces.Host(f"{mark}p"), namespaces.Host(f"{mark}d")]
        namespaces.link(self.hosts[0], "lan", "10.77.21.1", self.hosts[1], "lan", "10.77.21.2")
        self.folder = folder / "home"
        self.place = Place(self.folder, "", ["0.0.0.0:8470"], self.hosts[0].prefix)
        self.begin("nas.example")
        self.place.add_user("ana")

    def begin(self, host: str):
        self.place.stop()
        self.place.config.write_text(f'[listen]\nhosts = ["{host}"]\nopen = ["10.77.21.1:8480"]\n[place]\nname = "home"\n')
        self.place.start()

    def curl(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run([*self.hosts[1].prefix, "curl", "-sS", *map(str, arguments)], capture_output=True, timeout=60)

    def authority(self, name: str) -> pathlib.Path:
        """As a person gets it: over the open door."""
        path = self.folder / name
        path.write_bytes(self.curl("http://10.77.21.1:8480/trust/restante.pem").stdout)
        return path

    def stop(self):
        self.place.stop()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.name], check=True)


@pytest.fixture(scope="module")
def home(folder):
    assert os.geteuid() == 0, "network namespaces take root"
    with contextlib.ExitStack() as stack:
        made = Home(folder)
        stack.callback(made.stop)
        yield made


def fingerprint(path: pathlib.Path) -> str:
    shown = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", path], capture_output=True, text=True, check=True)
    return shown.stdout.strip().split("=")[1]


def test_whoever_trusts_the_authority_is_not_warned_and_nobody_else(home):
    authority = home.authority("ca.pem")
    page = home.curl("http://10.77.21.1:8480/trust").stdout.decode()

    stranger = home.curl("https://10.77.21.1:8470/trust")
    trusting_one = home.curl("--cacert", authority, "https://10.77.21.1:8470/trust")
    named = home.curl("--cacert", authority, "--resolve", "nas.example:8470:10.77.21.1", "https://nas.example:8470/healthz")
    outside = home.curl("--cacert", authority, "--resolve", "bank.example:8470:10.77.21.1", "https://bank.example:8470/healthz")

    assert stranger.returncode == 60 and outside.returncode == 60
    assert trusting_one.returncode == 0 and b"Trust this place" in trusting_one.stdout
    assert named.stdout == b'{"status":"ok"}'
    assert fingerprint(authority) in page and fingerprint(authority) in home.place.log()
    assert "nas.example" in page and "script" not in page.lower()


def test_chromium_opens_the_place_once_the_authority_is_in_its_store(home):
    authority = home.authority("ca.pem")
    browser = Chromium(home.folder / "browser", home.hosts[1].prefix)

    before = browser.look("https://10.77.21.1:8470/trust")
    browser.trust("the place", authority)
    after = browser.look("https://10.77.21.1:8470/trust")

    assert "Trust this place" not in before
    assert "Trust this place" in after


def test_the_files_of_the_trust_page_hold_the_same_certificate(home):
    import plistlib
    authority = home.authority("ca.pem")
    answers = {}
    for name, kind in (("crt", "application/x-x509-ca-cert"), ("mobileconfig", "application/x-apple-aspen-config")):
        told = home.curl("-D", "-", f"http://10.77.21.1:8480/trust/restante.{name}").stdout
        head, _, answers[name] = told.partition(b"\r\n\r\n")
        assert f"content-type: {kind}".encode() in head.lower()
    again = home.curl("http://10.77.21.1:8480/trust/restante.mobileconfig").stdout

    profile = plistlib.loads(answers["mobileconfig"])
    inner, = profile["PayloadContent"]
    der = ssl.PEM_cert_to_DER_cert(authority.read_text())
    assert answers["crt"] == inner["PayloadContent"] == der and again == answers["mobileconfig"]
    assert inner["PayloadType"] == "com.apple.security.root" and profile["PayloadType"] == "Configuration"
    assert inner["PayloadUUID"] != profile["PayloadUUID"]


def test_a_new_address_gets_a_certificate_of_the_same_authority_while_it_runs(home):
    authority = home.authority("ca.pem")
    device = Device(home.folder / "device", home.hosts[1].prefix)
    device.connect("home", home.place.pair("ana"))
    for host, address in zip(home.hosts, ("10.77.22.1/24", "10.77.22.2/24")):
        subprocess.run(["ip", "-n", host.name, "addr", "add", address, "dev", "lan"], check=True)
    before = home.curl("--cacert", authority, "https://10.77.22.1:8470/healthz")

    os.kill(home.place.program.pid, signal.SIGHUP)

    wait_until("the new name", lambda: home.curl("--cacert", authority, "https://10.77.22.1:8470/healthz").returncode == 0)
    assert before.returncode == 60
    assert len(device.json("device", "list")) == 1, "the pin holds"


def test_the_authority_stays_over_restarts_and_changes_with_a_name_outside_of_it_only(home):
    first = fingerprint(home.authority("first.pem"))
    device = Device(home.folder / "kept", home.hosts[1].prefix)
    device.connect("home", home.place.pair("ana"))
    key = home.place.data / "keys" / "ca.pem"

    home.begin("nas.lan")
    inside = fingerprint(home.authority("inside.pem"))
    home.begin("other.example")
    outside = fingerprint(home.authority("outside.pem"))

    assert inside == first and outside != first
    assert "browsers have to be told to trust a new authority" in home.place.log()
    assert key.stat().st_mode & 0o777 == 0o600
    assert sum(one["current"] for one in device.json("device", "list")) == 1, "the command line knows the place by its key"
