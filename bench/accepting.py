# SPDX-License-Identifier: Apache-2.0
"""Goals 6a, 6b and the memory of waiting jobs: accepting and holding, against aria2 and against bare fdatasync."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import uuid

from bed.device import Device
from bed.place import Place
from bed.process import free_port, wait_until
import measure

MANY, SOME, SINGLE, ROUNDS = 100_000, 20_000, 2_000, 5
# Accepts connections and says nothing: aria2 keeps its one active download busy there, and all others wait.
SILENT = socket.create_server(("127.0.0.1", 0))
CONFIG = ('[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nsubmit_per_minute = 1000000\n')


class Fresh:
    """A new place with a connected device."""

    def __init__(self, work: pathlib.Path):
        self.work = work
        shutil.rmtree(work, ignore_errors=True)
        self.place = Place(work / "place", CONFIG).start()
        self.place.add_user("ana")
        device = Device(work / "ana")
        device.connect("home", self.place.pair("ana"))
        self.token = device.token()
        self.jkt = json.loads(self.place.get("/.well-known/restante")[2])["jkt"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.place.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def core(self, number: int) -> dict:
        now = int(time.time())
        return {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": self.jkt}], "iat": now, "exp": now + 86400,
                "what": {"files": [{"sources": [{"url": url(number)}]}]}, "when": {"start": "2037-01-01T00:00:00Z"}, "probe": False}

    def batch(self, count: int) -> dict:
        body = "\n".join(json.dumps(self.core(number), separators=(",", ":")) for number in range(count)).encode()
        pid = self.place.program.pid
        empty, before, begin = measure.pss_bytes(pid), measure.cpu_seconds(pid), time.monotonic()
        status, _, answer = self.place.get("/v1/proxies", self.token, "POST", body, {"Content-Type": "application/jsonl"})
        sample = {"wall_s": time.monotonic() - begin, "cpu_s": measure.cpu_seconds(pid) - before}
        del body
        assert status == 200 and answer.count(b'"accepted"') == count, answer[:300]
        time.sleep(2)  # what the answer itself took is given back
        sample["pss_bytes_each"] = (measure.pss_bytes(pid) - empty) / count
        sample["pss_bytes"] = measure.pss_bytes(pid)
        before = measure.cpu_seconds(pid)
        pages = 400  # so many, because CPU time is told in ticks of 10 ms
        for _ in range(pages):
            assert len(json.loads(self.place.get("/v1/jobs?limit=50", self.token)[2])) == 50
        sample["first_page_cpu_s"] = (measure.cpu_seconds(pid) - before) / pages
        return sample

    def single(self, count: int) -> dict:
        bodies = [json.dumps(self.core(number)).encode() for number in range(count)]
        pid, connection = self.place.program.pid, http.client.HTTPConnection(self.place.listen[0])
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        before, begin = measure.cpu_seconds(pid), time.monotonic()
        for body in bodies:
            connection.request("POST", "/v1/proxies", body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 202
        return {"wall_s": time.monotonic() - begin, "cpu_s": measure.cpu_seconds(pid) - before}

    def hundred_clients(self, seconds: int, run: int) -> dict:
        pid = self.place.program.pid
        before = measure.cpu_seconds(pid)
        done = subprocess.run(["wrk", "-t1", "-c100", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s",
                               str(pathlib.Path(__file__).parent / "add.lua"), self.place.url], capture_output=True, text=True,
                              env={**os.environ, "RESTANTE_TOKEN": self.token, "RESTANTE_JKT": self.jkt, "RESTANTE_RUN": str(run)})
        found = re.search(r"RESULT (\{.*\})", done.stdout)
        assert found, done.stdout + done.stderr
        sample = json.loads(found.group(1))
        assert sample["errors"] == 0, done.stdout
        sample["jobs_per_s"] = sample["requests"] / sample["seconds"]
        sample["cpu_s"] = measure.cpu_seconds(pid) - before
        return sample


def url(number: int) -> str:
    return f"http://127.0.0.1:{SILENT.getsockname()[1]}/download/some/file-{number}.bin"


def aria2(work: pathlib.Path, count: int, batch: bool) -> dict:
    """aria2c with its JSON-RPC; nothing of it is durable until saveSession, which is timed apart."""
    port, folder = free_port(), work / "aria2"
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(["aria2c", "--no-conf", "-q", "--enable-rpc", f"--rpc-listen-port={port}", "--rpc-max-request-size=200M",
                                "-j1", f"--save-session={folder}/session", "-d", str(folder)])
    try:
        def call(method, *parameters):
            connection.request("POST", "/jsonrpc", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}))
            return json.loads(connection.getresponse().read())

        def up():
            try:
                return call("aria2.getVersion")
            except OSError:
                connection.close()
                return None
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        wait_until("aria2", up)
        empty, before, begin = measure.pss_bytes(process.pid), measure.cpu_seconds(process.pid), time.monotonic()
        if batch:
            call("system.multicall", [{"methodName": "aria2.addUri", "params": [[url(n)]]} for n in range(count)])
        else:
            for number in range(count):
                call("aria2.addUri", [url(number)])
        sample = {"wall_s": time.monotonic() - begin, "cpu_s": measure.cpu_seconds(process.pid) - before}
        held = call("aria2.getGlobalStat")["result"]
        assert int(held["numWaiting"]) + int(held["numActive"]) == count, held
        sample["pss_bytes"] = measure.pss_bytes(process.pid)
        sample["pss_bytes_each"] = (sample["pss_bytes"] - empty) / count
        begin = time.monotonic()
        call("aria2.saveSession")
        sample["save_session_s"] = time.monotonic() - begin
        return sample
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def fdatasync_rate(work: pathlib.Path, count: int = 400) -> dict:
    """How many times a second 4 KiB of a preallocated file reach the disk: the floor that 6b is judged by."""
    path = work / "floor"
    with open(path, "wb", buffering=0) as out:
        out.write(b"\0" * (4096 * count))
        os.fsync(out.fileno())
        begin = time.monotonic()
        for number in range(count):
            os.pwrite(out.fileno(), b"x" * 4096, 4096 * number)
            os.fdatasync(out.fileno())
        rate = count / (time.monotonic() - begin)
    path.unlink()
    return {"per_s": rate}


def bench(work: pathlib.Path) -> dict:
    results = {"batch": {"restante": [], "aria2c": []}, "single": {"restante": [], "aria2c": []},
               "clients": {"restante": [], "fdatasync": []}, "waiting": {"restante": [], "aria2c": []}}
    for round_ in range(ROUNDS):
        with Fresh(work / "fresh") as fresh:
            results["batch"]["restante"].append(fresh.batch(MANY))
        results["batch"]["aria2c"].append(aria2(work, MANY, True))
        with Fresh(work / "fresh") as fresh:
            results["waiting"]["restante"].append(fresh.batch(SOME))
        results["waiting"]["aria2c"].append(aria2(work, SOME, True))
        with Fresh(work / "fresh") as fresh:
            results["single"]["restante"].append(fresh.single(SINGLE))
        results["single"]["aria2c"].append(aria2(work, SINGLE, False))
        results["clients"]["fdatasync"].append(fdatasync_rate(work))
        with Fresh(work / "fresh") as fresh:
            results["clients"]["restante"].append(fresh.hundred_clients(5, round_))
        row = {name: {who: {key: round(value, 4) for key, value in rows[-1].items()} for who, rows in part.items()}
               for name, part in results.items()}
        print(f"round {round_ + 1}: {json.dumps(row)}", flush=True)
    return results
