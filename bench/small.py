# SPDX-License-Identifier: Apache-2.0
"""Goals 2a and 2b: 10,000 files of 10 KiB, against aria2, and wget2 and curl for information.

Everything lies on the disk's file system, in folders that are fresh in each round and stay until the end (ext4 is slow to make files
where others were deleted lately). Restante's requests enter through its API in one call inside the timed part, and its time ends when
all are done: published, synced, and committed as done. aria2 syncs its files by itself; wget2 and curl do not, so the file system is
synced once behind them. 16 connections for everybody. Every byte is compared afterwards.

User instructions are counted by callgrind in runs of their own, of fewer files.
"""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

from bed import BIN
from bed.certificates import Authority
from bed.content import ContentServer
from bed.device import Device
from bed.place import Place
from bed.process import wait_until
import measure

FILES = int(os.environ.get("RESTANTE_BENCH_FILES", 10_000))
ROUNDS = int(os.environ.get("RESTANTE_BENCH_ROUNDS", 5))
COUNTED = (500, 1500)  # the difference of two runs is free of what starting costs
SIZE, CONNECTIONS = 10 << 10, 16
HERE = pathlib.Path(__file__).resolve().parent


def config(authority: Authority, program: pathlib.Path | None = None) -> str:
    worker = f'program = "{program}"\n' if program else ""
    return (f'[address_guard]\nallow = ["127.0.0.0/8"]\n[worker]\nca_bundle = "{authority.certificate}"\n{worker}'
            f"[limits]\nsubmit_per_minute = 1000000\nrunning_at_once = 512\nrunning_per_account = 512\nrunning_per_origin = {CONNECTIONS}\n")


def make_contents(folder: pathlib.Path, count: int) -> dict[str, bytes]:
    """Name and digest of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    digests = {}
    for number in range(count):
        body, name = os.urandom(SIZE), f"file-{number:05}.bin"
        (folder / name).write_bytes(body)
        digests[name] = hashlib.sha256(body).digest()
    return digests


def verify(folder: pathlib.Path, digests: dict, who: str) -> None:
    found = {entry.name: hashlib.sha256(pathlib.Path(entry.path).read_bytes()).digest() for entry in os.scandir(folder)}
    assert found == digests, f"{who}: wrong files: {len(found)} of {len(digests)}"


class Filled:
    """A new place with a connected device that can be filled with requests."""

    def __init__(self, folder: pathlib.Path, text: str, prefix: list = (), programs: pathlib.Path = BIN):
        self.place = Place(folder / "place", text, prefix=prefix, binaries=programs).start(120)
        self.place.add_user("ana")
        device = Device(folder / "ana")
        device.connect("home", self.place.pair("ana"))
        self.token = device.token()
        self.jkt = json.loads(self.place.get("/.well-known/restante")[2])["jkt"]
        self.area = self.place.data / "areas" / "ana"

    def batch(self, urls: list[str]) -> bytes:
        now = int(time.time())
        common = {"v": 1, "aud": [{"jkt": self.jkt}], "iat": now, "exp": now + 86400, "probe": False}
        return "\n".join(json.dumps({**common, "id": str(uuid.uuid4()), "what": {"files": [{"sources": [{"url": url}]}]}},
                                    separators=(",", ":")) for url in urls).encode()

    def send(self, body: bytes, count: int) -> None:
        status, _, answer = self.place.get("/v1/proxies", self.token, "POST", body, {"Content-Type": "application/jsonl"})
        assert status == 200 and answer.count(b'"accepted"') == count, answer[:300]

    def wait(self, count: int, seconds: float = 900) -> None:
        wait_until(f"{count} files", lambda: len(os.listdir(self.area)) >= count if self.area.exists() else False, seconds, 0.02)
        live = "/v1/jobs?state=scheduled,waiting,running,verifying,publishing&limit=1"
        wait_until("the last commit", lambda: json.loads(self.place.get(live, self.token)[2]) == [], seconds, 0.005)


def restante(folder: pathlib.Path, authority: Authority, base: str, digests: dict) -> dict:
    filled = Filled(folder, config(authority))
    try:
        body, pid = filled.batch([f"{base}/{name}" for name in digests]), filled.place.program.pid
        before, begin = measure.cpu_seconds(pid), time.monotonic()
        filled.send(body, len(digests))
        accepted = time.monotonic() - begin
        filled.wait(len(digests))
        sample = {"wall_s": time.monotonic() - begin, "cpu_s": measure.cpu_seconds(pid) - before, "accepted_s": accepted,
                  "pss_bytes": measure.pss_bytes(pid)}
        verify(filled.area, digests, "restante")
        return sample
    finally:
        filled.place.stop()


def peers(authority: Authority) -> dict:
    """Command lines; {list} and {out} are filled in each round."""
    ca = authority.certificate
    return {
        "aria2c": f"aria2c --no-conf -q -j{CONNECTIONS} --ca-certificate={ca} -d {{out}} -i {{list}}",
        "aria2c again": f"aria2c --no-conf -q -j{CONNECTIONS} --ca-certificate={ca} -d {{out}} -i {{list}}",
        "wget2": f"wget2 --no-config -q --max-threads={CONNECTIONS} --ca-certificate={ca} -P {{out}} -i {{list}} && sync -f {{out}}",
        "curl": f"curl -sS --parallel --parallel-max {CONNECTIONS} --http1.1 --cacert {ca} --output-dir {{out}} -K {{list}}.curl && sync -f {{out}}",
    }


def peer(command: str, folder: pathlib.Path, base: str, digests: dict, who: str) -> dict:
    out, names = folder / "out", folder / "list"
    out.mkdir(parents=True)
    names.write_text("".join(f"{base}/{name}\n" for name in digests))
    (folder / "list.curl").write_text("".join(f'url = "{base}/{name}"\noutput = "{name}"\n' for name in digests))
    os.sync()
    sample = measure.run(["sh", "-c", command.format(out=out, list=names)])
    verify(out, digests, who)
    return sample


def instructions(out: pathlib.Path) -> int:
    """Of all processes that wrote a file with this name and a number behind it."""
    total = 0
    for path in out.parent.glob(out.name + ".*"):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith(("summary:", "totals:")):
                total += int(line.split()[1])
                break
    return total


def counted(folder: pathlib.Path, authority: Authority, base: str, digests: dict) -> dict:
    """User instructions a file, of server and worker together, and of aria2."""
    folder.mkdir(parents=True)
    # Without the worker's locks, which cost instructions at the start only.
    library = folder / "callgrind.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "callgrind.c"], check=True)
    # Debian 12's valgrind does not understand the debug information of clang 19.
    programs = folder / "programs"
    programs.mkdir()
    for name in ("restanted", "restante-transfer"):
        subprocess.run(["strip", "--strip-debug", "-o", programs / name, BIN / name], check=True)
    tool = "valgrind -q --tool=callgrind --callgrind-out-file="
    runs = {"restante": [], "aria2c": []}
    for count in COUNTED:
        some = dict(list(digests.items())[:count])
        out = folder / f"restante-{count}"
        wrapper = folder / f"worker-{count}"
        wrapper.write_text(f'#!/bin/sh\nexec env LD_PRELOAD={library} {tool}{out}.worker.%p {programs / "restante-transfer"} "$@"\n')
        wrapper.chmod(0o755)
        filled = Filled(folder / str(count), config(authority, wrapper), ["env", f"LD_PRELOAD={library}", *f"{tool}{out}.server.%p".split(), "--trace-children=no"], programs)
        try:
            filled.send(filled.batch([f"{base}/{name}" for name in some]), count)
            filled.wait(count)
            verify(filled.area, some, "restante under callgrind")
        finally:
            filled.place.program.stop(60)
        runs["restante"].append(instructions(out))
        out = folder / f"aria2c-{count}"
        peer(f"{tool}{out}.%p aria2c --no-conf -q -j{CONNECTIONS} -d {{out}} -i {{list}}", folder / f"aria2c-out-{count}", base, some, "aria2c")
        runs["aria2c"].append(instructions(out))
    return {who: {"instructions": found, "files": list(COUNTED), "each": (found[1] - found[0]) / (COUNTED[1] - COUNTED[0])}
            for who, found in runs.items()}


def bench(work: pathlib.Path, memory: pathlib.Path) -> dict:
    authority = Authority(work / "authority")
    server = ContentServer(work / "content", authority=authority)
    shutil.rmtree(server.root)
    server.root.symlink_to(memory)
    digests = make_contents(memory, FILES)
    server.start()
    results = {}
    try:
        for scheme, base in (("http", server.url), ("https", server.tls_url)):
            tools = peers(authority)
            samples = {name: [] for name in ("restante", *tools)}
            for round_ in range(ROUNDS + 1):  # the first one warms up and is not kept
                folder = work / f"{scheme}-{round_}"
                found = {"restante": restante(folder / "restante", authority, base, digests)}
                for name, command in tools.items():
                    found[name] = peer(command, folder / name.replace(" ", "-"), base, digests, name)
                print(f"{scheme} {round_}: " + ", ".join(f"{name} {one['cpu_s']:.2f} CPU-s {one['wall_s']:.2f} s" for name, one in found.items()),
                      flush=True)
                if round_:
                    for name, one in found.items():
                        samples[name].append(one)
            results[scheme] = {"commands": tools, "samples": samples}
        results["instructions"] = counted(work / "instructions", authority, server.url, digests)
        print(json.dumps(results["instructions"]), flush=True)
    finally:
        server.stop()
    return results
