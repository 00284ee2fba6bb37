# SPDX-License-Identifier: Apache-2.0
"""Sealed requests accepted a second: 200 devices, one keep-alive connection each, against what opening them costs and what the store
takes, all measured in the same round."""
import json
import os
import pathlib
import re
import shutil
import subprocess

from bed import BIN
from bed.place import Place
import measure

ACCOUNTS, DEVICES_EACH, SECONDS, ROUNDS = 20, 10, 5, 3
MOST_A_SECOND = 14_000  # so many requests are made beforehand for each second
CONFIG = ('[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nsubmit_per_minute = 1000000\n')
TOOL = BIN / "sealed_requests"


def tool(*arguments, text: str = "") -> str:
    done = subprocess.run([TOOL, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


class SealedPlace:
    """A new place with many connected devices, whose keys lie in `keys`."""

    def __init__(self, work: pathlib.Path, accounts: int = ACCOUNTS, devices_each: int = DEVICES_EACH, config: str = CONFIG):
        shutil.rmtree(work, ignore_errors=True)
        self.work, self.keys = work, work / "keys"
        self.keys.mkdir(parents=True)
        self.place = Place(work / "place", config).start()
        self.jkt = json.loads(self.place.get("/.well-known/restante")[2])["jkt"]
        codes = []
        for number in range(accounts):
            self.place.add_user(f"ana{number}")
            codes += [self.place.pair(f"ana{number}").rsplit("c=", 1)[1] for _ in range(devices_each)]
        for body in tool("enrol", self.keys, self.jkt, text="\n".join(codes) + "\n").splitlines():
            status, _, answer = self.place.get("/v1/devices", None, "POST", body.encode(), {"Content-Type": "application/json"})
            assert status == 201, answer
        self.token = json.loads(answer)["token"]
        key = json.loads(self.place.get("/.well-known/restante-jwks.json")[2])["keys"][0]
        self.jwk = json.dumps({name: key[name] for name in ("kty", "crv", "x", "y")})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.place.stop()
        shutil.rmtree(self.work, ignore_errors=True)

    def requests(self, count: int, url: str = "") -> list[str]:
        return tool("make", self.keys, self.jkt, self.jwk, count, *([url] if url else [])).splitlines()

    @property
    def private_key(self) -> pathlib.Path:
        return next((self.place.data / "keys" / "encryption").glob("*.pem"))


def accepted(fresh: SealedPlace, connections: int, seconds: int) -> dict:
    lines = fresh.requests(MOST_A_SECOND * seconds)
    file = fresh.work / "requests"
    file.write_text("\n".join(lines) + "\n")
    pid = fresh.place.program.pid
    before = measure.cpu_seconds(pid)
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s",
                           str(pathlib.Path(__file__).parent / "sealed.lua"), fresh.place.url], capture_output=True, text=True,
                          env={**os.environ, "RESTANTE_REQUESTS": str(file)})
    found = re.search(r"RESULT (\{.*\})", done.stdout)
    assert found, done.stdout + done.stderr
    sample = json.loads(found.group(1))
    assert sample["errors"] == 0, done.stdout
    sample["accepted_per_s"] = sample["requests"] / sample["seconds"]
    sample["cpu_each_s"] = (measure.cpu_seconds(pid) - before) / sample["requests"]
    sample["bytes"] = sum(map(len, lines)) / len(lines)
    return sample


def one_round(work: pathlib.Path, seconds: int = SECONDS) -> dict:
    cores = len(os.sched_getaffinity(0))
    with SealedPlace(work / "place") as fresh:
        connections = ACCOUNTS * DEVICES_EACH
        opening = json.loads(tool("open", fresh.keys, fresh.private_key, text="\n".join(fresh.requests(4000)) + "\n"))
        rows_folder = fresh.work / "rows"
        rows_folder.mkdir()
        rows = float(tool("rows", rows_folder, connections, 2))
        sample = accepted(fresh, connections, seconds)
    sample |= {"open_verify_s": opening["open_verify_s"], "parse_s": opening["parse_s"], "rows_per_s": rows, "cores": cores}
    sample["refusals_s"] = json.loads(tool("refusals"))
    sample["bound_per_s"] = min(cores / sample["open_verify_s"], rows)
    sample["of_bound"] = sample["accepted_per_s"] / sample["bound_per_s"]
    return sample


def bench(work: pathlib.Path) -> dict:
    samples = []
    for round_ in range(ROUNDS):
        samples.append(one_round(work))
        print(f"round {round_ + 1}: {json.dumps(samples[-1])}", flush=True)
    return {"sealed": samples, "devices": ACCOUNTS * DEVICES_EACH}
