# SPDX-License-Identifier: Apache-2.0
"""A WebDAV folder: Apache httpd with mod_dav, on a loopback port of its own, with a user and a password."""
import base64
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.request

from .process import Program, free_port, wait_until

MODULES = "/usr/lib/apache2/modules"
USER, PASSWORD = "box", "dav-S3CRET-password"


class Dav:
    """`url` is the folder's; what lies in it is in `files`."""

    def __init__(self, prefix: list = (), address: str = "127.0.0.1", password: str = PASSWORD):
        # A folder of its own: httpd serves as another user, who may not enter the tests' folders.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-dav-"))
        self.folder.chmod(0o711)
        self.prefix, self.address, self.port, self.password = list(prefix), address, free_port(address), password
        self.files = self.folder / "in"
        self.program: Program | None = None
        for name in ("in", "locks"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o777)
        self._configure()

    def _configure(self) -> None:
        hashed = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=self.password, text=True, capture_output=True, check=True).stdout
        (self.folder / "users").write_text(f"{USER}:{hashed}")
        modules = ("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs")
        loaded = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in modules)
        owner = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        (self.folder / "httpd.conf").write_text(
            f"{loaded}{owner}ServerName dav.test\nListen {self.address}:{self.port}\nPidFile {self.folder}/pid\nErrorLog {self.folder}/error.log\n"
            f"StartServers 1\nDocumentRoot {self.files}\nDavLockDB {self.folder}/locks/db\n<Directory {self.files}>\nDav On\nAuthType Basic\n"
            f"AuthName box\nAuthUserFile {self.folder}/users\nRequire valid-user\n</Directory>\n")

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}/"

    def start(self) -> "Dav":
        self.program = Program(["/usr/sbin/apache2", "-DFOREGROUND", "-f", self.folder / "httpd.conf"], self.folder / "httpd.log", self.prefix)
        wait_until("the WebDAV server", lambda: (self.folder / "pid").exists() and (self.prefix or self._answers()))
        return self

    def _answers(self) -> bool:
        try:
            return self.get("") is not None
        except OSError:
            return False

    def get(self, name: str) -> bytes:
        """As a client with the password gets it."""
        sign_in = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        request = urllib.request.Request(self.url + name, headers={"Authorization": f"Basic {sign_in}"}, method="GET" if name else "OPTIONS")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.files.iterdir())

    def stop(self) -> None:
        if self.program:
            self.program.stop()
            self.program = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
