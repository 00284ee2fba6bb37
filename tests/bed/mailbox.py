# SPDX-License-Identifier: Apache-2.0
"""A mail server in a process (and network namespace) of its own: aiosmtpd with STARTTLS, which puts mails into a Maildir."""
import mailbox
import pathlib
import socket

from .certificates import Authority
from .mail import Mail
from .process import Program, free_port, wait_until


class Mailbox:
    def __init__(self, folder: pathlib.Path, authority: Authority, prefix: list = ()):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.prefix, self.authority = folder / "maildir", list(prefix), authority
        self.log, self.port = folder / "aiosmtpd.log", free_port()
        self.certificate, self.key = authority.issue("127.0.0.1")
        self.program: Program | None = None

    def start(self) -> "Mailbox":
        self.program = Program(["/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{self.port}", "-c", "aiosmtpd.handlers.Mailbox",
                                "--tlscert", self.certificate, "--tlskey", self.key, self.folder], self.log, self.prefix)
        wait_until("the mail server", lambda: (self.folder / "new").is_dir() and (self.prefix or self._answers()))
        return self

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.program:
            self.program.stop()

    def config(self) -> str:
        """The section [mail] of a place on the same machine."""
        return (f'[mail]\nserver = "smtp://127.0.0.1:{self.port}"\nfrom = "place@home.example"\n'
                f'ca_bundle = "{self.authority.certificate}"\n')

    def mails(self) -> list[Mail]:
        """All that came, oldest first."""
        box = mailbox.Maildir(self.folder, create=False)
        return [Mail(message["X-MailFrom"] or "", [message["X-RcptTo"] or ""], message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
                for _, message in sorted(box.iteritems())]

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Mail]:
        return wait_until(f"{count} mail(s)", lambda: mails if len(mails := self.mails()) >= count else None, seconds)
