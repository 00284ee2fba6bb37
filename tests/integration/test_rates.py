# SPDX-License-Identifier: Apache-2.0
"""Rates of downloads, of users, of content servers and of the place. That a rate is reached is the business of the soak
run; here nothing may be faster than it, and what is changed holds for what runs."""
import concurrent.futures
import pathlib
import shutil
import tempfile
import time

import pytest

from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

K = 1024
BURST = 0.25  # seconds' worth of bytes that may come ahead
CONFIG = ALLOW_LOOPBACK + f"""
[limits]
rate = {2000 * K}
[[limits.hours]]
from = "00:00"
to = "00:00"
days = "mo-su"
rate = "1000K"
[[servers]]
host = "127.0.0.2"
rate = "200K"
"""


class Stage:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.near = ContentServer(folder / "near").start()
        self.slow = ContentServer(folder / "slow", address="127.0.0.2").start()
        self.place = Place(folder / "place", CONFIG).start()
        self.devices = {}
        for name in ("ana", "ben"):
            self.place.add_user(name)
            self.devices[name] = Device(folder / name)
            self.devices[name].connect("home", self.place.pair(name))

    def publish(self, server: ContentServer, name: str, size: int) -> str:
        make_file(server.root / name, size, 8)
        return f"{server.url}/{name}"

    def received(self, who: str, job: str) -> int:
        return self.devices[who].json("show", job)[0]["received_bytes"]

    def fetch(self, who: str, url: str, *options) -> float:
        """How long it took, from before it was asked for."""
        begun = time.monotonic()
        self.devices[who].run("send", url, "--wait", *options)
        return time.monotonic() - begun

    def close(self):
        self.place.stop()
        self.near.stop()
        self.slow.stop()


@pytest.fixture(scope="module")
def stage():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    one = Stage(folder)
    yield one
    one.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_all_users_together_stay_below_the_rate_of_the_hour(stage):
    size = 1250 * K
    urls = {who: stage.publish(stage.near, f"hour-{who}.bin", size) for who in stage.devices}
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(stage.fetch, urls, urls.values()))
    assert time.monotonic() - begun >= 2 * size / (1000 * K) - BURST - 0.2


def test_a_content_servers_rate_holds_for_it_alone(stage):
    assert stage.fetch("ana", stage.publish(stage.slow, "server.bin", 400 * K)) >= 2 - BURST - 0.1
    assert stage.fetch("ana", stage.publish(stage.near, "server.bin", 6000 * K)) < 30 - BURST - 0.1


def test_a_users_rate_holds_for_what_runs_and_only_for_that_user(stage):
    stage.place.run("user", "change", "ana", "--rate", "50K")
    url = stage.publish(stage.near, "user.bin", 2400 * K)
    job = stage.devices["ana"].json("send", url)[0]["id"]
    wait_until("the first bytes", lambda: stage.received("ana", job) > 0)
    begun, first = time.monotonic(), stage.received("ana", job)
    assert stage.fetch("ben", url) < 40
    passed = time.monotonic() - begun
    assert stage.received("ana", job) - first <= 50 * K * (passed + 1.5) + 64 * K
    stage.place.run("user", "change", "ana", "--rate", "none")
    wait_until("the rest without a limit", lambda: stage.devices["ana"].json("show", job)[0]["state"] == "done")
    assert time.monotonic() - begun < 45  # 48 seconds at the rate from before


def test_a_limit_that_is_changed_holds_for_the_download_that_runs(stage):
    url = stage.publish(stage.near, "changed.bin", 40_000 * K)
    ana = stage.devices["ana"]
    job = ana.json("send", url, "--limit-rate", "20K")[0]["id"]
    wait_until("the first bytes", lambda: stage.received("ana", job) > 0)
    ana.run("change", job, "--limit-rate", "900K")
    wait_until("many more bytes", lambda: stage.received("ana", job) > 1200 * K)
    ana.run("change", job, "--limit-rate", "20K")
    time_of_change, first = time.monotonic(), stage.received("ana", job)
    while time.monotonic() < time_of_change + 2.5:
        here = stage.received("ana", job)
        assert here - first <= 20 * K * (time.monotonic() - time_of_change + 1) + 900 * K * 1.75
    assert stage.devices["ana"].json("show", job)[0]["state"] == "running"
    ana.run("cancel", job)


@pytest.mark.parametrize("wrong, told", [
    ('[limits]\nrate = "fast"\n', "[limits] rate must be what may come in a second"),
    ('[limits]\nrate = 0\n', "[limits] rate must be what may come in a second"),
    ('[[limits.hours]]\nfrom = "08:00"\nto = "18:00"\n', "needs a rate"),
    ('[[limits.hours]]\nfrom = "8 o\'clock"\nto = "18:00"\nrate = "1M"\n', "needs from and to"),
    ('[limits]\nhours = "08:00-18:00"\n', "double brackets"),
    ('[[servers]]\nrate = "1M"\n', "host must be a name"),
    ('[[servers]]\nhost = "https://example.org/"\n', "host must be a name"),
    ('[[servers]]\nhost = "*"\nconnections = 0\n', "connections must be a number"),
    ('[[servers]]\nhost = "*"\nspeed = 1\n', "has no key speed"),
    ('[servers]\nhost = "*"\n', "double brackets"),
])
def test_a_wrong_rate_is_told_with_its_line(work, wrong, told):
    place = Place(work / "place", wrong)
    done = place.run("check", check=False)
    assert done.returncode == 2 and told in done.stderr and " line " in done.stderr, done.stderr
