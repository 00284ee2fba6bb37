# SPDX-License-Identifier: Apache-2.0
"""A place behind NAT, with no port open to the outside, takes a request by its mailbox, runs it, and answers by mail.

place 10.78.1.2 -- 10.78.1.1 router (masquerades) 10.78.2.1 -- 10.78.2.2 outside: mailbox, content server, mail server
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

from bed import documents, dovecot, namespaces
from bed.content import ContentServer
from bed.place import Place
from bed.process import Program, wait_until
from bed.sealed import SigningDevice, compact_json, job_id, seal

OUTSIDE, PLACE, ROUTER = "10.78.2.2", "10.78.1.2", "10.78.2.1"
RULES = """
table ip nat {
  chain out { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}
table ip guard {
  chain in { type filter hook forward priority 0; policy drop; iifname "lan" accept; ct state established,related accept; }
}
"""
# The mail server of bed.mail in a process of its own, which can be put into a namespace: mails go to a file.
RELAY = """
import json, pathlib, sys, threading
sys.path.insert(0, sys.argv[1])
from aiosmtpd.controller import Controller
class Keep:
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[3], "a") as out:
            out.write(json.dumps({"to": envelope.rcpt_tos, "raw": envelope.original_content.decode(errors="replace")}) + "\\n")
        return "250 taken over"
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[4], sys.argv[5])
Controller(Keep(), hostname=sys.argv[2], port=2465, ssl_context=context).start()
print("ready", flush=True)
threading.Event().wait()
"""


class Internet:
    def __init__(self, folder: pathlib.Path):
        mark = f"rn{os.getpid()}"
        self.folder, self.hosts, self.parts = folder, [], []
        self.home, self.router, self.outside = (self._host(mark + end) for end in "prs")

    def join(self) -> None:
        namespaces.link(self.home, "eth", PLACE, self.router, "lan", "10.78.1.1")
        namespaces.link(self.router, "wan", ROUTER, self.outside, "eth", OUTSIDE)
        self._in(self.home, "ip", "route", "add", "default", "via", "10.78.1.1")
        self._in(self.outside, "ip", "route", "add", "10.78.1.0/24", "via", ROUTER)  # so that the router alone keeps it out
        self._in(self.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._in(self.router, "nft", "-f", "-", input=RULES)

    def _host(self, name: str) -> namespaces.Host:
        self.hosts.append(namespaces.Host(name))
        return self.hosts[-1]

    def _in(self, host: namespaces.Host, *command, input: str | None = None, check: bool = True) -> subprocess.CompletedProcess:
        return subprocess.run([*host.prefix, *command], input=input, text=True, capture_output=True, check=check, timeout=30)

    def start(self) -> None:
        self.imap = dovecot.Dovecot(self.outside.prefix, OUTSIDE)
        self.parts.append(self.imap.close)
        self.imap.start()
        self.content = ContentServer(self.folder / "content", OUTSIDE, self.outside.prefix).start()
        self.parts.append(self.content.stop)
        self.mails = self.folder / "mails"
        certificate, key = self.imap.authority.certificate.parent / f"{OUTSIDE}.pem", self.imap.authority.certificate.parent / f"{OUTSIDE}.key"
        script = self.folder / "relay.py"
        script.write_text(RELAY)
        relay = Program([sys.executable, script, self.folder, OUTSIDE, self.mails, certificate, key], self.folder / "relay.log", self.outside.prefix)
        self.parts.append(relay.stop)
        relay.wait_for_line("ready")
        config = (f'[address_guard]\nallow = ["10.78.2.0/24"]\n[mail]\nserver = "smtps://{OUTSIDE}:2465"\nfrom = "place@home.example"\n'
                  f'ca_bundle = "{self.imap.authority.certificate}"\n[mailbox]\ninterval = "1s"\n' + self.imap.config(self.folder))
        self.place = Place(self.folder / "place", config, [f"{PLACE}:8470", "127.0.0.1:8471"], self.home.prefix).start()
        self.parts.append(self.place.stop)

    def ask(self, path: str, token: str | None = None, method: str = "GET", body: str | None = None) -> dict:
        """At home, beside the place."""
        command = ["curl", "-sS", "-X", method, f"http://127.0.0.1:8471{path}", "-H", "Content-Type: application/json"]
        command += ["-H", f"Authorization: Bearer {token}"] if token else []
        answer = self._in(self.home, *command, *(["--data-binary", body] if body is not None else []))
        return json.loads(answer.stdout) if answer.stdout.strip().startswith("{") else {}

    @property
    def authority(self) -> pathlib.Path:
        """The place's own."""
        return self.place.data / "keys" / "ca.pem"

    def connect_from_outside(self, address: str) -> int:
        return self._in(self.outside, "curl", "-sS", "--cacert", self.authority, "--connect-timeout", "3", f"https://{address}:8470/", check=False).returncode

    def sent(self) -> list[dict]:
        return [json.loads(line) for line in self.mails.read_text().splitlines()] if self.mails.exists() else []

    def stop(self) -> None:
        for stop in reversed(self.parts):
            stop()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.name], check=True)


class Home:
    """What tests/bed takes for a place, for calls from beside it."""

    def __init__(self, internet: Internet):
        self.internet = internet

    def get(self, path: str, *ignored, **more):
        return 200, {}, json.dumps(self.internet.ask(path)).encode()


@pytest.fixture
def internet():
    assert os.geteuid() == 0, "network namespaces take root"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-nat-"))
    folder.chmod(0o755)
    made = Internet(folder)
    try:
        made.join()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_place_behind_nat_takes_a_request_by_its_mailbox_runs_it_and_answers_by_mail(internet):
    place, home = internet.place, Home(internet)
    place.add_user("ann", "--lan")
    device = SigningDevice()
    fragment = dict(part.split("=", 1) for part in place.pair("ann").split("#")[1].split("&"))
    proof = device.sign(compact_json({"code": fragment["c"], "jkt": fragment["k"]}), "restante-enrol+jws")
    connected = internet.ask("/v1/devices", None, "POST", json.dumps({"code": fragment["c"], "label": "phone", "jwk": device.jwk, "proof": proof}))
    token = connected["token"]
    internet.ask("/v1/contacts", token, "POST", json.dumps({"kind": "mail", "address": "ann@example.net"}))
    mails = wait_until("the question", internet.sent, 20)
    raw = mails[0]["raw"].replace("=\r\n", "").replace("=3D", "=")
    path = "/notify/confirm/" + raw.split("/notify/confirm/", 1)[1].split()[0].split('"')[0].split("<")[0]
    internet.ask(path, None, "POST", "")
    (internet.content.root / "from-outside.bin").write_bytes(b"n" * 10_000)
    core = documents.document(home, f"{internet.content.url}/from-outside.bin")
    key = internet.ask("/.well-known/restante-jwks.json")["keys"][0]

    # Nothing comes in: neither at the router's address nor at the place's own.
    assert internet.connect_from_outside(ROUTER) in (7, 28), "refused, or not answered"
    assert internet.connect_from_outside(PLACE) in (7, 28)
    # The control: the same port answers inside.
    assert internet._in(internet.home, "curl", "-sS", "--cacert", internet.authority, f"https://{PLACE}:8470/", check=False).returncode == 0

    internet.imap.deliver(dovecot.mail_with("from the hotel", seal(key, device.sign(compact_json(core)), core["exp"], "json")))

    job = job_id(device.jkt, core["id"])
    wait_until("the download", lambda: internet.ask(f"/v1/jobs/{job}", token).get("state") == "done", 40)
    told = wait_until("the answer", lambda: [one for one in internet.sent() if "from-outside.bin" in one["raw"]], 40)
    assert told[0]["to"] == ["ann@example.net"]
    assert not internet.imap.names()
