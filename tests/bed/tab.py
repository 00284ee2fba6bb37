# SPDX-License-Identifier: Apache-2.0
"""One tab of Debian's Chromium that a test can press buttons in, over its debugging pipe (Chrome DevTools Protocol)."""
import json
import os
import pathlib
import select
import subprocess
import time

from .process import BedError, wait_until


class Tab:
    def __init__(self, home: pathlib.Path):
        home.mkdir(parents=True, exist_ok=True)
        to_browser, self._commands = os.pipe()
        self._answers, from_browser = os.pipe()
        # Chromium's own sandbox does not start for root; the pages here are those of the test.
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe",
                   f"--user-data-dir={home / 'profile'}", "about:blank"]
        with open(home / "chromium.log", "ab") as log:
            self.browser = subprocess.Popen(["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", "chromium", *options],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(to_browser, from_browser),
                                            env={**os.environ, "HOME": str(home)})
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._number, self._session = b"", 0, None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *ignored) -> None:
        self.browser.terminate()
        try:
            self.browser.wait(10)
        except subprocess.TimeoutExpired:
            self.browser.kill()
            self.browser.wait()
        os.close(self._commands)
        os.close(self._answers)

    def _call(self, method: str, seconds: float = 60.0, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **({"sessionId": self._session} if self._session else {})}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while b"\0" in self._buffer:
                raw, self._buffer = self._buffer.split(b"\0", 1)
                answer = json.loads(raw)
                if answer.get("id") != self._number:
                    self.heard(answer)
                    continue
                if "error" in answer:
                    raise BedError(f"{method}: {answer['error']}")
                return answer["result"]
            if select.select([self._answers], [], [], 1.0)[0]:
                got = os.read(self._answers, 1 << 16)
                if not got:
                    raise BedError("chromium ended")
                self._buffer += got
        raise BedError(f"chromium did not answer {method}")

    def heard(self, event: dict) -> None:
        """What the browser tells unasked, while it is asked something else."""

    def open(self, url: str) -> None:
        """Returns when the page and its scripts have been loaded."""
        blank = "location.href == 'about:blank'"
        self._call("Page.navigate", url="about:blank")  # or another fragment of the same page would load nothing
        wait_until("an empty page", lambda: self.value(blank), 60)
        self._call("Page.navigate", url=url)
        wait_until("the page", lambda: self.value(f"!({blank}) && document.readyState == 'complete'"), 60)

    def value(self, expression: str):
        """What a script of the page would get."""
        return self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)["result"].get("value")

    def cookies(self) -> list[dict]:
        return self._call("Network.getCookies")["cookies"]
