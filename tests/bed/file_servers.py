# SPDX-License-Identifier: Apache-2.0
"""Real file servers on loopback: vsftpd and OpenSSH, with a user that exists for them alone; and an FTP server that does what it is told."""
import base64
import hashlib
import pathlib
import shlex
import socket
import subprocess
import threading

from .process import Program, free_port, wait_until

USER, PASSWORD = "restante-ana", "K4N4RY 9d0c pass"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class OwnUsers:
    """A mount namespace in which /etc/passwd, /etc/shadow, /etc/pam.d and /run are ours: `command` runs a program there. Needs root."""

    def __init__(self, folder: pathlib.Path, home: pathlib.Path):
        self.folder, etc = folder, pathlib.Path("/etc")
        (folder / "pam.d").mkdir(parents=True)
        hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True)
        (folder / "passwd").write_text((etc / "passwd").read_text() + f"{USER}:x:64099:65534::{home}:/bin/sh\n")
        (folder / "shadow").write_text((etc / "shadow").read_text() + f"{USER}:{hashed.stdout.strip()}:19000:0:99999:7:::\n")
        (folder / "pam.d" / "restante").write_text("auth required pam_unix.so nodelay\naccount required pam_unix.so\n")
        subprocess.run(["chown", "-R", "64099:65534", home], check=True)

    def command(self, *arguments) -> list:
        binds = [f"mount --bind {shlex.quote(str(self.folder / name))} /etc/{name}" for name in ("passwd", "shadow", "pam.d")]
        script = " && ".join([*binds, "mount -t tmpfs none /run", "mkdir -p /run/sshd", 'exec "$@"'])
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *arguments]


class Vsftpd:
    """`tls`: None, "offered" (AUTH TLS) or "implicit"; `reuse`: data only over the TLS session of the control connection, as vsftpd is set up by
    itself. Anonymous in `root`, `OwnUsers`' user in its home."""

    def __init__(self, folder: pathlib.Path, users: OwnUsers, root: pathlib.Path, *, tls: str | None = None, certificate=None, reuse: bool = False):
        folder.mkdir(parents=True)
        (folder / "empty").mkdir()
        self.port = free_port()
        lines = ["listen=YES", "listen_address=127.0.0.1", f"listen_port={self.port}", "background=NO", "seccomp_sandbox=NO",
                 "anonymous_enable=YES", f"anon_root={root}", "local_enable=YES", "pam_service_name=restante", f"secure_chroot_dir={folder}/empty",
                 "chroot_local_user=YES", "allow_writeable_chroot=YES", "xferlog_enable=NO", f"vsftpd_log_file={folder}/log", "dual_log_enable=YES",
                 "log_ftp_protocol=YES", "use_localtime=NO", "delay_failed_login=0"]
        if tls:
            lines += ["ssl_enable=YES", "allow_anon_ssl=YES", "force_local_logins_ssl=NO", "force_local_data_ssl=NO", f"require_ssl_reuse={'YES' if reuse else 'NO'}",
                      "ssl_ciphers=HIGH", f"rsa_cert_file={certificate[0]}", f"rsa_private_key_file={certificate[1]}",
                      *(["implicit_ssl=YES"] if tls == "implicit" else [])]
        config = folder / "vsftpd.conf"
        config.write_text("\n".join(lines) + "\n")
        self.log_file = folder / "log"
        self.program = Program(users.command("/usr/sbin/vsftpd", config), folder / "output")
        wait_until("vsftpd", lambda: _answers(self.port))

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def close(self) -> None:
        self.program.stop()


class Sshd:
    """SFTP with the user's password; `fingerprints` as OpenSSH shows them, by type of key."""

    def __init__(self, folder: pathlib.Path, users: OwnUsers, *, keys=("ecdsa",)):
        folder.mkdir(parents=True)
        self.port, self.fingerprints = free_port(), {}
        config = [f"Port {self.port}", "ListenAddress 127.0.0.1", "StrictModes no", "UsePAM no", "PidFile none", "UseDNS no",
                  "PasswordAuthentication yes", "Subsystem sftp internal-sftp", "ForceCommand internal-sftp", "LogLevel VERBOSE"]
        for kind in keys:
            key = folder / f"host_{kind}"
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", key], check=True)
            public = base64.b64decode((folder / f"host_{kind}.pub").read_text().split()[1])
            self.fingerprints[kind] = "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")
            config.append(f"HostKey {key}")
        (folder / "sshd_config").write_text("\n".join(config) + "\n")
        self.program = Program(users.command("/usr/sbin/sshd", "-D", "-e", "-f", folder / "sshd_config"), folder / "output")
        wait_until("sshd", lambda: _answers(self.port))

    def log(self) -> str:
        return self.program.output()

    def close(self) -> None:
        self.program.stop()


class FtpScript:
    """An FTP server of a few lines. `answers`: command -> text to send instead of the usual; "PASV" and "EPSV" may name any address. `files`: path
    -> bytes; `listing`: bytes of LIST and MLSD; `after_data`: None closes the control connection. `said` is every line of every client, `data_from` who fetched data."""

    def __init__(self, *, answers: dict | None = None, listing: bytes = b"", files: dict | None = None, greeting: bytes = b"220 here\r\n",
                 after_data: bytes | None = b"226 done\r\n", send: int | None = None):
        self.answers, self.listing, self.files = dict(answers or {}), listing, dict(files or {})
        self.greeting, self.after_data, self.send = greeting, after_data, send
        self.said, self.data_from = [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while self.open:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        data, start = None, 0
        try:
            with connection, connection.makefile("rb") as lines:
                connection.sendall(self.greeting)
                for line in lines:
                    text = line.decode("latin-1").strip()
                    self.said.append(text)
                    command, _, argument = text.partition(" ")
                    command = command.upper()
                    if command in ("PASV", "EPSV") and command not in self.answers:
                        data = socket.create_server(("127.0.0.1", 0))
                        port = data.getsockname()[1]
                        connection.sendall(f"229 ok (|||{port}|)\r\n".encode() if command == "EPSV" else
                                           f"227 ok (127,0,0,1,{port >> 8},{port & 255})\r\n".encode())
                        continue
                    if command in self.answers:
                        answer = self.answers[command]
                        if callable(answer):
                            opened, answer = answer()
                            data = opened or data
                        connection.sendall(answer)
                    elif command in ("LIST", "MLSD", "RETR"):
                        content = self.listing if command != "RETR" else self.files.get(argument)
                        if content is None or data is None:
                            connection.sendall(b"550 no\r\n")
                            continue
                        connection.sendall(b"150 coming\r\n")
                        data.settimeout(5)
                        peer, at = data.accept()
                        self.data_from.append(at)
                        with peer:
                            peer.sendall(content[start:][:self.send])
                        start = 0
                        data.close()
                        if self.after_data is None:
                            return
                        connection.sendall(self.after_data)
                    elif command == "SIZE":
                        known = self.files.get(argument)
                        connection.sendall(b"550 no\r\n" if known is None else f"213 {len(known)}\r\n".encode())
                    elif command == "REST":
                        start = int(argument)
                        connection.sendall(b"350 go on\r\n")
                    elif command in ("USER", "CWD", "TYPE", "PASS"):
                        connection.sendall({"USER": b"331 and?\r\n", "CWD": b"250 ok\r\n", "TYPE": b"200 ok\r\n", "PASS": b"230 in\r\n"}[command])
                    elif command == "PWD":
                        connection.sendall(b'257 "/"\r\n')
                    elif command == "QUIT":
                        connection.sendall(b"221 bye\r\n")
                        return
                    else:
                        connection.sendall(b"502 not known\r\n")
        except OSError:
            return

    def close(self) -> None:
        self.open = False
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
