# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a content server, a place and connected devices, all real."""
import collections
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bed.content import ContentServer, make_file  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.place import Place  # noqa: E402

# What is started in the background by a shell ignores the interrupt, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items):
    """With `--dist loadgroup` the tests of a file share a process, but for those that have a group of their own: they take
    long by themselves, and are begun first. Then the files, the one with the most tests first."""
    def group(item) -> str:
        mark = item.get_closest_marker("xdist_group")
        return mark.args[0] if mark else ""

    sizes = collections.Counter(item.path for item in items)
    items.sort(key=lambda item: (group(item) == "", -sizes[item.path], str(item.path)))
    for item in items:
        if not group(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture
def work():
    # Not pytest's tmp_path: paths of Unix sockets are short, and state lies on a real disk.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def content(work):
    server = ContentServer(work / "content").start()
    yield server
    server.stop()


@pytest.fixture
def place(work):
    place = Place(work / "place")
    place.start()
    place.add_user("ana")
    yield place
    place.stop()


@pytest.fixture
def ana(work, place):
    device = Device(work / "ana")
    device.connect("home", place.pair("ana"))
    return device


@pytest.fixture
def publish(content):
    """publish(name, size) puts a file on the content server: (url, sha256)."""
    def put(name: str, size: int = 300_000, seed: int = 7):
        digest = make_file(content.root / name, size, seed)
        return f"{content.url}/{name}", digest
    return put
