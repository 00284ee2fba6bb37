# SPDX-License-Identifier: Apache-2.0
"""Goals 1a to 1f: one large file over http and https, against curl and aria2.

All write to the same file system and are synced to the disk inside the timed part; the source lies in memory. Restante's
request enters through its API, and its time ends when the download is done (published and committed). CPU is that of the
whole tree and of nginx; the background pass that computes a SHA-256 afterwards is measured by itself. A transfer that has its
worker for itself is written past the page cache; beside another one of the same account (which trickles here) it is not.
"""
import hashlib
import json
import pathlib
import shutil
import sys
import time
import uuid

from bed.certificates import Authority
from bed.content import ContentServer
from bed.device import Device
from bed.place import Place
from bed.process import wait_until
import measure

SIZE = 1 << 30
ROUNDS = 5


def content_file(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "big.bin"
    if not target.exists() or target.stat().st_size != SIZE:
        with open(target, "wb") as out, open("/dev/urandom", "rb") as random:
            for _ in range(SIZE >> 20):
                out.write(random.read(1 << 20))
    return target


def sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def nginx_worker(server: ContentServer) -> int:
    return measure.children(server.program.pid)[0]


def peer(command: list[str], target: pathlib.Path, server: ContentServer) -> dict:
    target.unlink(missing_ok=True)
    before = measure.cpu_seconds(nginx_worker(server))
    sample = measure.run(["sh", "-c", f"{' '.join(command)} && sync -d {target}"])
    sample["server_cpu_s"] = measure.cpu_seconds(nginx_worker(server)) - before
    sample["sum_cpu_s"] = sample["cpu_s"] + sample["server_cpu_s"]
    return sample


def send(place: Place, token: str, url: str, **file) -> str:
    core = {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": json.loads(place.get("/.well-known/restante")[2])["jkt"]}], "iat": int(time.time()),
            "exp": int(time.time()) + 3600, "what": {"files": [{"sources": [{"url": url}], **file}]}, "probe": False}
    status, _, body = place.get("/v1/proxies", token, "POST", json.dumps(core).encode(), {"Content-Type": "application/json"})
    assert status == 202, body
    return json.loads(body)["id"]


def restante(place: Place, token: str, url: str, server: ContentServer, digest: str, given: bool = False) -> dict:
    sys.stdout.flush()
    pid = place.program.pid
    before, server_before, begin = measure.cpu_seconds(pid), measure.cpu_seconds(nginx_worker(server)), time.monotonic()
    job, peak = send(place, token, url, **({"digest": {"sha-256": digest}} if given else {})), 0
    while True:
        peak = max(peak, measure.pss_bytes(pid))
        found = json.loads(place.get(f"/v1/jobs/{job}", token)[2])
        if found["state"] in ("done", "failed"):
            break
        time.sleep(0.02)
    wall = time.monotonic() - begin
    cpu = measure.cpu_seconds(pid) - before
    server_cpu = measure.cpu_seconds(nginx_worker(server)) - server_before
    assert found["state"] == "done", found
    later = measure.cpu_seconds(pid)
    file = wait_until("the digest", lambda: [f for f in json.loads(place.get("/v1/files", token)[2])
                                             if f["job"] == job and f.get("sha256")], 60)[0]
    assert file["sha256"] == digest, "wrong bytes"
    digest_cpu = measure.cpu_seconds(pid) - later
    place.get(f"/v1/files/{file['id']}", token, "DELETE")
    return {"wall_s": wall, "cpu_s": cpu, "server_cpu_s": server_cpu, "sum_cpu_s": cpu + server_cpu, "pss_bytes": peak,
            "digest_pass_cpu_s": digest_cpu}


def bench(work: pathlib.Path, memory: pathlib.Path) -> dict:
    authority = Authority(work / "authority")
    server = ContentServer(work / "content", authority=authority, extra=f'location /slow/ {{ alias "{memory}/"; limit_rate 1k; }}')
    shutil.rmtree(server.root)
    server.root.symlink_to(memory)
    source = content_file(memory)
    digest = sha256(source)
    server.start()
    # Files that were deleted are gone on both sides, and the memory that cached them serves the next round.
    config = f'[address_guard]\nallow = ["127.0.0.0/8"]\n[areas]\ntrash_keep = "0s"\n[worker]\nca_bundle = "{authority.certificate}"\n'
    place = Place(work / "place", config).start()
    out = work / "peer.bin"
    results = {}
    try:
        place.add_user("ana")
        device = Device(work / "ana")
        device.connect("home", place.pair("ana"))
        token = device.token()
        for scheme, base in (("http", server.url), ("https", server.tls_url)):
            url = f"{base}/big.bin"
            tools = {
                "curl": ["curl", "-s", "--http1.1", "--cacert", str(authority.certificate), "-o", str(out), url],
                "curl again": ["curl", "-s", "--http1.1", "--cacert", str(authority.certificate), "-o", str(out), url],
                "aria2c": ["aria2c", "--no-conf", "-q", "--allow-overwrite=true", "--file-allocation=none",
                           f"--ca-certificate={authority.certificate}", "-d", str(work), "-o", out.name, url],
            }
            digesting = "aria2c --checksum", "restante, SHA-256 given"
            if scheme == "http":
                tools[digesting[0]] = [*tools["aria2c"], f"--checksum=sha-256={digest}"]
            samples = {name: [] for name in [*tools, "restante", "restante beside another", digesting[1]]}
            for round_ in range(ROUNDS + 1):  # the first one warms up and is not kept
                for name, command in tools.items():
                    sample = peer(command, out, server)
                    assert sha256(out) == digest, f"{name}: wrong bytes"
                    if round_:
                        samples[name].append(sample)
                taken = {"restante": restante(place, token, url, server, digest)}
                slow = send(place, token, f"{base}/slow/big.bin")
                wait_until("the other one", lambda: json.loads(place.get(f"/v1/jobs/{slow}", token)[2])["state"] == "running")
                taken["restante beside another"] = restante(place, token, url, server, digest)
                place.get(f"/v1/jobs/{slow}", token, "DELETE")
                if scheme == "http":
                    taken[digesting[1]] = restante(place, token, url, server, digest, given=True)
                if round_:
                    for name, sample in taken.items():
                        samples[name].append(sample)
            samples = {name: rows for name, rows in samples.items() if rows}
            results[scheme] = {"commands": {name: " ".join(command) for name, command in tools.items()}, "samples": samples}
            print(f"{scheme}: " + ", ".join(f"{name} {measure.median(rows, 'sum_cpu_s'):.2f}" for name, rows in samples.items())
                  + " CPU-s with nginx", flush=True)
    finally:
        place.stop()
        server.stop()
        out.unlink(missing_ok=True)
    return results
