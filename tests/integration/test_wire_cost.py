# SPDX-License-Identifier: Apache-2.0
"""What a request costs a device on a slow or costly connection: bytes of the sealed request, and at its interface."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import uuid

import pytest
from bed import namespaces, sealed
from bed.device import Device
from bed.place import Place
from bed.process import wait_until

URL = "https://video.example.edu/media/lecture-12.mp4"
LARGEST_COMPACT, LARGEST_ON_THE_WIRE = 1100, 4096
MORE = 8  # requests on the connection that is there already


class Trip:
    """A place behind TLS, and a device on a cable of its own whose bytes the kernel counts."""

    def __init__(self, folder: pathlib.Path):
        mark = f"rt{os.getpid()}w"
        self.hosts = [namespaces.Host(f"{mark}p"), namespaces.Host(f"{mark}d")]
        namespaces.link(self.hosts[0], "lan", "10.77.23.1", self.hosts[1], "lan", "10.77.23.2")
        self.folder = folder
        self.place = Place(folder / "place", '[listen]\npublic_url = "https://10.77.23.1:8470"\n', ["0.0.0.0:8470"], self.hosts[0].prefix)
        self.place.start()
        self.place.add_user("ana")
        # What urllib would ask of a place on loopback, asked from the other side of the cable.
        self.place.get = self.get

    def curl(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run([*self.hosts[1].prefix, "curl", "-sS", "--cacert", str(self.place.data / "keys" / "ca.pem"), *map(str, arguments)], capture_output=True, timeout=60, check=True)

    def get(self, path, token=None, method="GET", body=None, headers=None):
        options = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
        if token:
            options += ["-H", f"Authorization: Bearer {token}"]
        if body is not None:
            (self.folder / "body").write_bytes(body)
            options += ["--data-binary", f"@{self.folder / 'body'}"]
        out = self.curl("-X", method, *options, "-w", "\n%{http_code}", f"https://10.77.23.1:8470{path}").stdout
        answer, _, status = out.rpartition(b"\n")
        return int(status), {}, answer

    def bytes_of(self, documents: list[str], token: str = "") -> int:
        """Received and sent at the device's interface for these requests, one after the other over one connection."""
        config = []
        for number, document in enumerate(documents):
            path = self.folder / f"document-{number}"
            path.write_text(document)
            config.append(f'url = "https://10.77.23.1:8470/v1/proxies"\ndata-binary = "@{path}"\nheader = "Content-Type: application/jose"\n'
                          + (f'header = "Authorization: Bearer {token}"\n' if token else "")
                          + f'cacert = "{self.place.data}/keys/ca.pem"\nsilent\noutput = "{path}.answer"\nwrite-out = "%{{http_code}} %{{num_connects}}\\n"\n')
        (self.folder / "curl").write_text("next\n".join(config))
        before = sum(self.hosts[1].counters("lan"))
        said = self.curl("-K", self.folder / "curl").stdout.decode().split("\n")[:-1]
        self.quiet()
        assert said == ["202 1"] + ["202 0"] * (len(documents) - 1), "accepted, over one connection"
        return sum(self.hosts[1].counters("lan")) - before

    def quiet(self) -> None:
        """Until the connection's end has been told and counted."""
        states = [*self.hosts[1].prefix, "ss", "-Htan", "state", "established", "state", "fin-wait-1", "state", "fin-wait-2", "state",
                  "last-ack", "state", "closing"]
        wait_until("the connection to be over", lambda: not subprocess.run(states, check=True, capture_output=True).stdout)

    def stop(self):
        self.place.stop()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.name], check=True)


@pytest.fixture(scope="module")
def trip():
    assert os.geteuid() == 0, "network namespaces take root"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-wire-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, True)
        made = Trip(folder)
        stack.callback(made.stop)
        yield made


def lean(trip, device) -> str:
    """As our own clients make it: nothing that is said by the envelope already (decision 13)."""
    jkt = json.loads(trip.place.get("/.well-known/restante")[2])["jkt"]
    at = sealed.soon(0)
    core = {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": jkt}], "iat": at, "exp": at + 86400, "what": {"files": [{"sources": [{"url": URL}]}]}}
    key = sealed.newest_key(trip.place)
    return sealed.seal(key, device.sign(sealed.compact_json(core)), core["exp"], kid=key["kid"][:11])


def test_a_sealed_request_costs_the_device_at_most_4_kb_on_a_connection_that_is_there(trip):
    device = sealed.SigningDevice().connect(trip.place, "ana")
    documents = [lean(trip, device) for _ in range(2 * MORE + 4)]

    first = trip.bytes_of(documents[:1])
    each = (trip.bytes_of(documents[1:MORE + 2]) - first) / MORE
    with_whole_answer = (trip.bytes_of(documents[MORE + 2:2 * MORE + 3], device.token) - first) / MORE

    print(f"\nsealed and compact: {len(documents[0])} bytes; on the wire: {first} with the connection, then {each:.0f} each, "
          f"{with_whole_answer:.0f} with the download told in full")
    assert len(documents[0]) < each < LARGEST_ON_THE_WIRE, "and it was really sent"
    assert each < with_whole_answer < LARGEST_ON_THE_WIRE


def test_our_command_makes_a_one_url_request_of_at_most_1100_bytes(trip):
    device = Device(trip.folder / "ana", trip.hosts[1].prefix)
    device.connect("home", trip.place.pair("ana"))
    made = trip.folder / "made.restante"

    device.run("make", URL, "--compact", "-o", made)

    size = len(made.read_text().strip())
    print(f"\nmade by `restante make --compact`: {size} bytes")
    assert 600 < size <= LARGEST_COMPACT
    assert trip.bytes_of([made.read_text().strip()]) > size
