# SPDX-License-Identifier: Apache-2.0
"""Quota and free space while several downloads run at once."""
import http.server
import threading

import pytest
from bed.device import Device
from bed.place import Place
from bed.process import wait_until

MIB = 1 << 20


class Endless(http.server.BaseHTTPRequestHandler):
    """A body without a length, in chunks, as fast as it is taken."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        try:
            while True:
                self.wfile.write(block)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def endless():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def bytes_of(place):
    total = 0
    for folder in ("incoming", "areas"):
        for path in (place.data / folder).rglob("*"):
            try:
                total += path.stat().st_size if path.is_file() else 0
            except FileNotFoundError:
                pass
    return total


def test_downloads_of_an_account_together_never_pass_its_quota(work, endless):
    place = Place(work / "place")
    place.start()
    try:
        place.add_user("ana", "--quota", "20MiB")
        ana = Device(work / "ana")
        ana.connect("home", place.pair("ana"))
        most = 0

        def all_wait():
            nonlocal most
            most = max(most, bytes_of(place))
            return all(job.get("reason") == "quota" and job["state"] == "waiting" for job in ana.json("list"))

        for number in range(6):
            ana.json("send", f"{endless}/{number}", "--no-probe")
            most = max(most, bytes_of(place))
        wait_until("all to wait for room", all_wait, 40)

        assert 10 * MIB < most <= 21 * MIB
    finally:
        place.stop()
