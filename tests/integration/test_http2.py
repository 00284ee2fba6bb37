# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 with a real content server, by each word of `[worker] http2`."""
import pathlib
import shutil
import tempfile

import pytest
from bed.certificates import Authority
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import ALLOW_LOOPBACK, Place

SIZES = {"a.bin": 5_000_000, "b.bin": 70_000}


@pytest.fixture(scope="module")
def nginx():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    authority = Authority(folder / "authority")
    server = ContentServer(folder / "content", authority=authority, http2=True, extra=f'access_log "{folder}/protocols" combined;')
    for seed, (name, size) in enumerate(SIZES.items()):
        make_file(server.root / name, size, seed)
    server.start()
    yield server, authority, folder
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("word, protocol", [("always", "HTTP/2.0"), ("needed", "HTTP/1.1"), ("never", "HTTP/1.1")])
def test_downloads_come_by_the_version_that_the_operator_chose(nginx, word, protocol):
    server, authority, folder = nginx
    log = folder / "protocols"
    place = Place(folder / word, ALLOW_LOOPBACK + f'[worker]\nca_bundle = "{authority.certificate}"\nhttp2 = "{word}"\n').start()
    try:
        place.add_user("ana")
        device = Device(folder / f"ana-{word}")
        device.connect("home", place.pair("ana"))
        log.write_text("")

        for name in SIZES:
            device.run("send", f"{server.tls_url}/{name}", "--wait")

        assert {one["name"]: one["size_bytes"] for one in device.json("files")} == SIZES
        for name in SIZES:
            device.run("get", name, "-o", str(folder / f"{word}-{name}"))
            assert (folder / f"{word}-{name}").read_bytes() == (server.root / name).read_bytes()
        lines = log.read_text().splitlines()
        assert lines and all(f"{protocol}\"" in line for line in lines)
    finally:
        place.stop()


def test_an_unknown_word_is_refused_by_name(nginx):
    *_, folder = nginx
    place = Place(folder / "wrong", '[worker]\nhttp2 = "sometimes"\n')

    done = place.run("check", check=False)

    assert done.returncode == 2
    assert "[worker] http2" in done.stderr and "never, needed or always" in done.stderr
