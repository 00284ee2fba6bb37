# SPDX-License-Identifier: Apache-2.0
"""A viewing device with nothing but a browser: Debian's Chromium without a window, in a home of its own."""
import json
import os
import pathlib
import subprocess

from .process import BedError, Program, wait_until


class Chromium:
    """Certificates are checked as they always are: what is to be trusted has to be told by `trust`."""

    def __init__(self, home: pathlib.Path, prefix: list = ()):
        self.home, self.prefix, self.downloads = home, list(prefix), home / "Downloads"
        profile = home / "profile" / "Default"
        for folder in (self.downloads, profile, self._store):
            folder.mkdir(parents=True, exist_ok=True)
        # The new headless mode downloads as a window would, where the profile says so.
        (profile / "Preferences").write_text(json.dumps({"download": {"default_directory": str(self.downloads),
                                                                      "prompt_for_download": False}}))
        subprocess.run(["certutil", "-N", "--empty-password", "-d", f"sql:{self._store}"], check=True, capture_output=True)

    @property
    def _store(self) -> pathlib.Path:
        return self.home / ".pki" / "nssdb"

    def trust(self, name: str, certificate: pathlib.Path) -> None:
        """What a person does with the certificate of a /trust page: an authority for web sites from now on."""
        subprocess.run(["certutil", "-A", "-n", name, "-t", "C,,", "-i", certificate, "-d", f"sql:{self._store}"], check=True,
                       capture_output=True)

    def command(self, *arguments) -> list:
        # Chromium's own sandbox does not start for root; the pages here are those of the test.
        return ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                f"--user-data-dir={self.home / 'profile'}", *arguments]

    def environment(self) -> dict:
        return {**os.environ, "HOME": str(self.home)}

    def look(self, url: str) -> str:
        """Opens a page and returns what the browser made of it, as HTML."""
        done = subprocess.run([*self.prefix, *self.command("--dump-dom", url)], env=self.environment(), text=True, capture_output=True,
                              timeout=60)
        if done.returncode != 0:
            raise BedError(f"chromium could not open the page: {done.stderr[-1000:]}")
        return done.stdout

    def download(self, url: str, seconds: float = 60.0) -> pathlib.Path:
        """Opens a link that leads to a file; where it was saved."""
        before = set(self.downloads.iterdir())
        browser = Program(self.command(url), self.home / "chromium.log", self.prefix, {"HOME": str(self.home)})
        try:
            def saved():
                new = [path for path in set(self.downloads.iterdir()) - before if path.suffix != ".crdownload"
                       and not path.name.startswith(".")]
                if not new and not browser.alive():
                    raise BedError(f"chromium ended:\n{browser.output()[-1000:]}")
                return new[0] if new else None
            return wait_until("the file that chromium saves", saved, seconds)
        finally:
            browser.stop()
