# SPDX-License-Identifier: Apache-2.0
"""Goals 3a to 3c: 1,000 and 5,000 downloads of 20 KiB/s each, against aria2.

nginx limits the rate of each connection. All enter at once; it is timed until nginx has begun to answer each, with the files on
the disk's file system. Then, in the steady state, CPU and memory (PSS) of the whole tree are taken.
"""
import json
import os
import pathlib
import shutil
import subprocess
import time

from bed.certificates import Authority
from bed.content import ContentServer
from bed.process import wait_until
import measure
import small

RATE, SIZE = "20k", 64 << 20  # nobody comes to the end
COUNTS = tuple(map(int, os.environ.get("RESTANTE_BENCH_SLOW", "1000,5000").split(",")))
SETTLE, STEADY = 20, float(os.environ.get("RESTANTE_BENCH_STEADY", 60))
ROUNDS = int(os.environ.get("RESTANTE_BENCH_ROUNDS", 3))


def config(authority: Authority, count: int) -> str:
    return (f'[address_guard]\nallow = ["127.0.0.0/8"]\n[worker]\nca_bundle = "{authority.certificate}"\n'
            f"[limits]\nsubmit_per_minute = 1000000\nconnections = 64\nrunning_at_once = {count}\nrunning_per_account = {count}\n"
            f"running_per_origin = {count}\n")


def files_that_grow(folder: pathlib.Path) -> int:
    return sum(1 for entry in os.scandir(folder) if entry.stat().st_size > 0 or entry.stat().st_blocks > 0) if folder.exists() else 0


def watched(pid: int, folder: pathlib.Path, count: int, begun: float, before: float) -> dict:
    wait_until(f"{count} files with bytes in them", lambda: files_that_grow(folder) >= count, 600, 0.1)
    sample = {"started_s": time.monotonic() - begun, "started_cpu_s": measure.cpu_seconds(pid) - before}
    time.sleep(SETTLE)
    cpu, at = measure.cpu_seconds(pid), time.monotonic()
    time.sleep(STEADY)
    sample["cpu_s_per_min"] = (measure.cpu_seconds(pid) - cpu) * 60 / (time.monotonic() - at)
    sample["pss_bytes"] = measure.pss_bytes(pid)
    return sample


def restante(folder: pathlib.Path, authority: Authority, urls: list[str]) -> dict:
    filled = small.Filled(folder, config(authority, len(urls)))
    try:
        pid = filled.place.program.pid
        empty, body = measure.pss_bytes(pid), filled.batch(urls)
        before, begun = measure.cpu_seconds(pid), time.monotonic()
        filled.send(body, len(urls))
        sample = watched(pid, filled.place.data / "incoming" / "1", len(urls), begun, before)
        sample["pss_bytes_each"] = (sample["pss_bytes"] - empty) / len(urls)
        running = json.loads(filled.place.get("/v1/jobs?state=waiting&limit=1", filled.token)[2])
        assert running == [], f"not all run: {running}"
        return sample
    finally:
        filled.place.stop()


def aria2(folder: pathlib.Path, authority: Authority, urls: list[str]) -> dict:
    out = folder / "out"
    out.mkdir(parents=True)
    (folder / "list").write_text("".join(f"{url}\n out=file-{number}\n" for number, url in enumerate(urls)))
    begun = time.monotonic()
    process = subprocess.Popen(["aria2c", "--no-conf", "-q", f"-j{len(urls)}", "--file-allocation=none", f"--ca-certificate={authority.certificate}",
                                "-d", str(out), "-i", str(folder / "list")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sample = watched(process.pid, out, len(urls), begun, 0.0)
        sample["pss_bytes_each"] = sample["pss_bytes"] / len(urls)
        return sample
    finally:
        process.kill()
        process.wait()


def bench(work: pathlib.Path, memory: pathlib.Path) -> dict:
    authority = Authority(work / "authority")
    server = ContentServer(work / "content", authority=authority, rate=RATE, connections=2 * max(COUNTS) + 64)
    shutil.rmtree(server.root)
    server.root.symlink_to(memory)
    memory.mkdir(parents=True, exist_ok=True)
    with open(memory / "slow.bin", "wb") as sparse:
        sparse.truncate(SIZE)
    server.start()
    results = {}
    try:
        for scheme, base in (("http", server.url), ("https", server.tls_url)):
            for count in COUNTS if scheme == "http" else COUNTS[:1]:
                rows = results.setdefault(f"{scheme} {count}", {"restante": [], "aria2c": []})
                urls = [f"{base}/slow.bin?{number}" for number in range(count)]
                for round_ in range(ROUNDS):
                    for name, run in (("restante", restante), ("aria2c", aria2)):
                        rows[name].append(run(work / f"{scheme}-{count}-{round_}-{name}", authority, urls))
                        print(f"{scheme} {count} {name}: {json.dumps({k: round(v, 2) for k, v in rows[name][-1].items()})}", flush=True)
    finally:
        server.stop()
    return results
