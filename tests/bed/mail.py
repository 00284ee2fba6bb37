# SPDX-License-Identifier: Apache-2.0
"""A real mail server (aiosmtpd) that keeps what it takes over, and fails as it is told to.

`deliver` of a Relay may be replaced: it gets the mail and returns the answer to DATA (None: the connection is closed). What was
answered 250 lies in `mails`. It lives in the test's own process, on a port of its own.
"""
import email
import email.policy
import logging
import pathlib
import re
import ssl
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from .certificates import Authority
from .process import free_port, wait_until

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # sessions that tests break are no news
USER, PASSWORD = "restante", "relay-S3CRET-password"


class Mail:
    """One mail as it came: raw bytes, and parsed."""

    def __init__(self, sender: str, recipients: list, raw: bytes):
        self.sender, self.recipients, self.raw, self.at = sender, recipients, raw, time.monotonic()
        self.message = email.message_from_bytes(raw, policy=email.policy.default)

    def __getitem__(self, field: str) -> str:
        return self.message[field]

    def _part(self, kind: str) -> str:
        return self.message.get_body((kind,)).get_content().replace("\r\n", "\n")

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def urls(self, containing: str = "") -> list:
        return [url for url in re.findall(r"https?://[^\s>\"]+", self.text) if containing in url]

    def header_block(self) -> bytes:
        return self.raw.split(b"\r\n\r\n", 1)[0]


class _Handler:
    def __init__(self, relay: "Relay"):
        self.relay = relay

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = self.relay.refuse_recipient(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content)
        answer = self.relay.deliver(mail)
        if answer is None:
            server.transport.abort()
            return "451 gone"
        if answer.startswith("250"):
            self.relay.mails.append(mail)
            self.relay.taken(mail)
        return answer


class _Server(SMTP):
    """aiosmtpd writes the answer to DATA itself; `after_250` of the relay is told once it is on the wire."""

    async def push(self, status):
        await super().push(status)
        if isinstance(status, str) and status.startswith("250 ") and self.relay_hook and self.relay_hook.just_taken:
            self.relay_hook.just_taken = False
            self.relay_hook.after_250()

    relay_hook: "Relay | None" = None


class _Controller(Controller):
    def __init__(self, relay, **options):
        self.relay = relay
        super().__init__(_Handler(relay), **options)

    def factory(self):
        server = _Server(self.handler, **self.SMTP_kwargs)
        server.relay_hook = self.relay
        return server


class Relay:
    """`tls`: "starttls", "implicit" or "none"; `name`: what its certificate is for."""

    def __init__(self, folder: pathlib.Path, *, tls: str = "starttls", name: str = "127.0.0.1", auth: bool = True,
                 authority: Authority | None = None, port: int = 0):
        folder.mkdir(parents=True, exist_ok=True)
        self.tls, self.auth, self.folder = tls, auth, folder
        self.authority = authority or Authority(folder / "ca")
        self.certificate = self.authority.issue(name)
        self.port = port or free_port()
        self.mails: list[Mail] = []
        self.sessions, self.logins = 0, []
        self.just_taken = False
        self.lock = threading.Lock()
        self.password = PASSWORD
        self.refuse_recipient = lambda address: None
        self.deliver = lambda mail: "250 taken over"
        self.after_250 = lambda: None
        self.controller = None

    def taken(self, mail: Mail) -> None:
        self.just_taken = True

    def start(self) -> "Relay":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)

        def check(server, session, envelope, mechanism, data):
            right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), self.password.encode())
            self.logins.append((mechanism, right))
            return AuthResult(success=right, handled=right)

        options = {"hostname": "127.0.0.1", "port": self.port, "enable_SMTPUTF8": False, "data_size_limit": 1 << 22}
        if self.tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if self.tls == "implicit":
            options |= {"ssl_context": context}
        if self.auth:
            options |= {"auth_required": True, "authenticator": check, "auth_require_tls": self.tls == "starttls"}
        self.controller = _Controller(self, **options)
        self.controller.start()
        return self

    def stop(self) -> None:
        if self.controller:
            self.controller.stop()
            self.controller = None

    def __enter__(self) -> "Relay":
        return self.start()

    def __exit__(self, *ignored) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"{'smtps' if self.tls == 'implicit' else 'smtp'}://127.0.0.1:{self.port}"

    def config(self, folder: pathlib.Path, **changes) -> str:
        """The section [mail] of a place that sends through it; `changes` replace single values (None: leave it out)."""
        secret = folder / "mail.password"
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        values = {"server": self.url, "from": "place@home.example", "ca_bundle": str(self.authority.certificate)}
        if self.auth:
            values |= {"user": USER, "password_file": str(secret)}
        if self.tls == "none":
            values["starttls"] = "none"
        values |= changes
        return "[mail]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items() if value is not None)

    def wait_for(self, what: str, matches=lambda mail: True, count: int = 1, seconds: float = 20.0) -> list:
        """The first `count` mails that match."""
        def found():
            fitting = [mail for mail in list(self.mails) if matches(mail)]
            return fitting if len(fitting) >= count else None
        return wait_until(f"{count} mail(s): {what}", found, seconds)
