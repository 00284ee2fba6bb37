# SPDX-License-Identifier: Apache-2.0
"""A mail account: Dovecot's IMAP server (imaps) on a port of its own, with one user, one password, and a Maildir."""
import email.message
import imaplib
import os
import pathlib
import pwd
import shutil
import signal
import ssl
import tempfile

from .certificates import Authority
from .process import Program, free_port, wait_until

USER, PASSWORD = "box", "imap-S3CRET-password"


class Dovecot:
    """`authority` made its certificate; `deliver` puts a mail into the inbox as a mail server would."""

    def __init__(self, prefix: list = (), address: str = "127.0.0.1"):
        # A folder of its own: Dovecot's processes are other users, who may not enter the tests' folders.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-imap-"))
        self.folder.chmod(0o755)
        self.prefix, self.address, self.port = list(prefix), address, free_port() if address == "127.0.0.1" else 10993
        self.authority = Authority(self.folder / "ca")
        certificate, key = self.authority.issue(address)
        self.mail = self.folder / "mail"
        self.count, self.program = 0, None
        for part in ("cur", "new", "tmp"):
            (self.mail / part).mkdir(parents=True)
        owner = pwd.getpwnam("nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        self.owner = (owner.pw_uid, owner.pw_gid)
        for path in (self.mail, *self.mail.iterdir()):
            os.chown(path, *self.owner)
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}:{owner.pw_uid}:{owner.pw_gid}::{self.folder}::\n")
        me = "" if os.geteuid() == 0 else f"default_internal_user = {owner.pw_name}\ndefault_login_user = {owner.pw_name}\n"
        (self.folder / "dovecot.conf").write_text(
            f"base_dir = {self.folder}/run\nstate_dir = {self.folder}/state\nlog_path = {self.folder}/dovecot.log\nprotocols = imap\n"
            f"listen = {address}\nssl = required\nssl_cert = <{certificate}\nssl_key = <{key}\ndisable_plaintext_auth = yes\n{me}"
            f"mail_location = maildir:{self.mail}\nfirst_valid_uid = 1\nfirst_valid_gid = 1\nauth_mechanisms = plain\n"
            f"passdb {{\n driver = passwd-file\n args = {self.folder}/users\n}}\nuserdb {{\n driver = passwd-file\n args = {self.folder}/users\n}}\n"
            "service imap-login {\n chroot =\n inet_listener imap {\n  port = 0\n }\n inet_listener imaps {\n"
            f"  port = {self.port}\n }}\n}}\nservice anvil {{\n chroot =\n}}\nnamespace inbox {{\n inbox = yes\n}}\n")

    @property
    def url(self) -> str:
        return f"imaps://{self.address}:{self.port}/"

    def start(self) -> "Dovecot":
        self.program = Program(["/usr/sbin/dovecot", "-F", "-c", self.folder / "dovecot.conf"], self.folder / "out.log", self.prefix)
        if not self.prefix:
            wait_until("the IMAP server", self._answers)
        return self

    def _answers(self) -> bool:
        try:
            self.session().logout()
            return True
        except OSError:
            return False

    def session(self) -> imaplib.IMAP4_SSL:
        trust = ssl.create_default_context(cafile=str(self.authority.certificate))
        session = imaplib.IMAP4_SSL(self.address, self.port, ssl_context=trust, timeout=20)
        session.login(USER, PASSWORD)
        return session

    def config(self, folder: pathlib.Path, **changes) -> str:
        """The section [mailbox.imap] of a place that reads it."""
        secret = folder / "imap.password"
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        values = {"url": self.url, "user": USER, "password_file": str(secret), "ca_bundle": str(self.authority.certificate)} | changes
        return "[mailbox.imap]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())

    def deliver(self, raw: bytes) -> None:
        self.count += 1
        name = f"{self.count}.restante.test"
        path = self.mail / "tmp" / name
        path.write_bytes(raw)
        os.chown(path, *self.owner)
        path.rename(self.mail / "new" / name)

    def names(self, folder: str = "") -> list[str]:
        """The mails that lie in the inbox, or in another folder."""
        at = self.mail / f".{folder}" if folder else self.mail
        return sorted(path.name for part in ("cur", "new") for path in (at / part).glob("*"))

    def _children(self) -> list[int]:
        """Processes that the master started; with `prefix` the master is the one that `ip netns exec` became."""
        told = pathlib.Path(f"/proc/{self.program.pid}/task/{self.program.pid}/children")
        return [int(pid) for pid in told.read_text().split()] if told.exists() else []

    def stop(self) -> None:
        """Also sessions that are open: Dovecot serves those to their end."""
        if self.program:
            children = self._children()
            self.program.stop()
            for pid in children:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended with its master
            self.program = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def mail_with(text: str, attached: str | None = None) -> bytes:
    """As a person's mail program writes it: a text, perhaps with a file."""
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "box@example.org", "a request"
    message.set_content(text)
    if attached is not None:
        message.add_attachment(attached.encode(), maintype="application", subtype="vnd.restante.sealed+json", filename="request.restante")
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
