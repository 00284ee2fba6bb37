# SPDX-License-Identifier: Apache-2.0
"""Goals 4a and 4b: 12 MiB over a long path that loses packets, and over the same path without loss, against curl and aria2.

near 10.83.1.2 == link.c: 50 ms there and back, 200 Mbit/s, a queue of 1.5 MB, loss each way == 10.83.1.1 far

nginx lies at the far end, with CUBIC, which takes each loss for a full path; it keeps no memory of earlier connections to the
same peer, so that each sample begins alike. Restante's request enters by `restante send` at a place with the connections that are
its default, and its time ends when the content is in the account's folder. The control before each path: datagrams there and
back, which nothing retransmits, and what curl and aria2 need without loss.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from bed import namespaces
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place
from bed.process import wait_until
import measure

FAR, NEAR = "10.83.1.1", "10.83.1.2"
SIZE, ROUNDS = 12 << 20, int(os.environ.get("RESTANTE_BENCH_ROUNDS", 5))
RTT_MS, RATE_MBIT, QUEUE_BYTES = 50, 200, 1_500_000
PATHS = {"loss 0.5 %": 0.005, "clean": 0.0}
CONNECTIONS = (4, 16)
HERE = pathlib.Path(__file__).resolve().parent

# Sends numbered datagrams at a steady pace to an echo and says how long each one took.
ASK = """
import json, select, socket, struct, sys, time
count, bytes_, pace = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
s.connect((sys.argv[4], 7007))
sent, times, begun = 0, {}, time.monotonic()
last = begun
while sent < count or time.monotonic() < last + 1:
    due = begun + sent * pace
    if sent < count and time.monotonic() >= due:
        last = time.monotonic()
        s.send(struct.pack("!Id", sent, last) + bytes(bytes_ - 12))
        sent += 1
    while select.select([s], [], [], 0 if sent < count else 0.05)[0]:
        number, at = struct.unpack("!Id", s.recv(2000)[:12])
        times[number] = time.monotonic() - at
print(json.dumps({"sent": sent, "came": len(times), "times_ms": sorted(round(t * 1e3, 2) for t in times.values())}))
"""
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
s.bind((sys.argv[1], 7007))
print("up", flush=True)
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(data, peer)
"""


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)


class Path:
    """Two hosts and the cable between them."""

    def __init__(self, program: pathlib.Path, loss: float, seed: int):
        mark = f"rl{os.getpid() % 100000}"
        self.far, self.near = namespaces.Host(f"{mark}f"), namespaces.Host(f"{mark}n")
        devices = f"{mark}a", f"{mark}b"
        self.link = subprocess.Popen([program, *devices, str(RTT_MS / 2), str(loss), str(RATE_MBIT), str(QUEUE_BYTES), str(seed)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.link.stdout.readline() == "up\n"
        for host, device, address in ((self.far, devices[0], FAR), (self.near, devices[1], NEAR)):
            run("ip", "link", "set", device, "netns", host.name)
            run("ip", "-n", host.name, "addr", "add", f"{address}/30", "dev", device)
            run("ip", "-n", host.name, "link", "set", device, "up", "txqueuelen", 5000)
        run(*self.far.prefix, "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1")
        network = FAR.rsplit(".", 1)[0] + ".0/30"
        run("ip", "-n", self.far.name, "route", "change", network, "dev", devices[0], "src", FAR, "congctl", "cubic")

    def control(self) -> dict:
        echo = subprocess.Popen([*self.far.prefix, "chrt", "-f", "1", sys.executable, "-c", ECHO, FAR], stdout=subprocess.PIPE, text=True)
        try:
            assert echo.stdout.readline() == "up\n"
            ask = lambda *words: json.loads(run(*self.near.prefix, "chrt", "-f", "1", sys.executable, "-c", ASK, *words, FAR).stdout)  # noqa: E731
            found = ask(10_000, 100, 0.0005)
            times = found["times_ms"]
            return {"datagrams": found["sent"], "came_back": found["came"], "rtt_ms": statistics.median(times),
                    "rtt_99_ms": times[len(times) * 99 // 100]}
        finally:
            echo.kill()
            echo.wait()

    def close(self) -> None:
        self.link.stdin.close()
        self.link.wait()
        for host in (self.far, self.near):
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True)


class Restante:
    """A place and a device at the near end."""

    def __init__(self, folder: pathlib.Path, path: Path):
        config = f'[address_guard]\nallow = ["{FAR}/32"]\n'
        self.place = Place(folder / "place", config, ["127.0.0.1:8470"], path.near.prefix).start()
        self.place.add_user("ana")
        self.device = Device(folder / "ana", path.near.prefix)
        self.device.connect("home", self.place.pair("ana"))

    def get(self, url: str, published: pathlib.Path) -> float:
        begun = time.monotonic()
        self.device.run("send", "--name", published.name, url)
        wait_until(f"{published.name} in the folder", published.exists, 300, 0.002)
        return time.monotonic() - begun


def verify(file: pathlib.Path, digest: str) -> None:
    with open(file, "rb") as content:
        assert hashlib.file_digest(content, "sha256").hexdigest() == digest, f"{file}: wrong bytes"


def measured(work: pathlib.Path, program: pathlib.Path, loss: float, seed: int) -> dict:
    with contextlib.ExitStack() as after:
        path = Path(program, loss, seed)
        after.callback(path.close)
        control = path.control()
        server = ContentServer(work / "content", FAR, path.far.prefix)
        digest = make_file(server.root / "lossy.bin", SIZE, 1)
        server.start()
        after.callback(server.stop)
        out = work / "peer.bin"
        aria2c = [*path.near.prefix, "aria2c", "--no-conf", "-q", "--allow-overwrite=true", "--file-allocation=none", "-k1M", "-d", str(work), "-o",
                  out.name]
        url = f"{server.url}/lossy.bin"
        peers = {"curl": [*path.near.prefix, "curl", "-s", "-o", str(out), url],
                 **{f"aria2c -x{n}": [*aria2c, f"-x{n}", f"-s{n}", url] for n in CONNECTIONS}}
        ours = Restante(work / "restante", path)
        after.callback(ours.place.stop)
        samples: dict = {name: [] for name in [*peers, "restante"]}
        for round_ in range(ROUNDS):
            for name, command in peers.items():
                out.unlink(missing_ok=True)
                begun = time.monotonic()
                subprocess.run(command, check=True)
                samples[name].append({"wall_s": time.monotonic() - begun})
                verify(out, digest)
            published, asked = ours.place.data / "areas" / "ana" / f"lossy-{round_}.bin", len(server.requests())
            taken = ours.get(url, published)
            verify(published, digest)
            samples["restante"].append({"wall_s": taken, "requests": len(server.requests()) - asked})
            print(", ".join(f"{name} {rows[-1]['wall_s']:.2f}" for name, rows in samples.items()), flush=True)
        commands = {name: " ".join(command[len(path.near.prefix):]) for name, command in peers.items()}
        return {"control": control, "commands": commands, "samples": samples}


def bench(work: pathlib.Path) -> dict:
    work.mkdir(parents=True, exist_ok=True)
    program = work / "link"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program, HERE / "link.c"], check=True)
    results = {}
    for seed, (name, loss) in enumerate(PATHS.items(), 1):
        results[name] = measured(work / name.replace(" ", "-"), program, loss, seed)
        control, samples = results[name]["control"], results[name]["samples"]
        print(f"{name}: {control['came_back']} of {control['datagrams']} datagrams came back, {control['rtt_ms']:.1f} ms; medians: "
              + ", ".join(f"{who} {measure.median(rows, 'wall_s'):.2f} s" for who, rows in samples.items()), flush=True)
    return results
