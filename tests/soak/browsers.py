#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The extension in real browsers: each kind of download is captured, none is lost, and what the viewer gets when the content server is gone
is what the server had. Writes docs/results/soak-browsers.json.

browsers.py [--rounds N] [--browsers chromium,firefox]
"""
import argparse
import datetime
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from bed.browser import Browser, Origin  # noqa: E402
from bed.place import Place  # noqa: E402
from bed.process import wait_until  # noqa: E402

# What is clicked in the page of tests/web/extension/origin.py, and the content that it leads to.
CASES = {"#plain": "/files/plain.bin", "#zip": "/files/week.zip", "#attachment": "report", "#member": "member", "#saved": "notes", "#send": "form12",
         "#sendmulti": "form13", "#chain": "chained", "#foreign": "foreign", "#chainforeign": "away"}
ENDED = ("done", "failed", "held", "cancelled", "expired")


class Rig:
    def __init__(self, folder: pathlib.Path, kind: str):
        self.place = Place(folder / "place").start()
        self.place.add_user("ana")
        self.origin = Origin(300_000)
        self.browser = Browser(kind)
        self.connect()
        self.browser.set(mode="send", whenDown="browser")
        self.clicks = 0

    def connect(self) -> None:
        place = self.browser.tell(do="connect", address=self.place.pair("ana"))
        self.token = self.browser.tell(do="token", place=place["jkt"])

    def read(self, path: str):
        status, _, body = self.place.get(path, self.token)
        assert status == 200, (path, status)
        return json.loads(body)

    def everywhere(self) -> dict:
        """Where what was clicked is now."""
        state = self.browser.tell(do="state")
        jobs = self.read("/v1/jobs?limit=1000") if self.place.program else []
        return {"place": len(jobs), "waiting": len(state["waiting"]), "asked": len(state["asked"]), "browser": len(self.browser.ask("downloads"))}

    def click(self, selector: str) -> None:
        """Clicks, and waits until as many downloads are somewhere as clicks were made. What is being handed over is in two places for a moment."""
        self.browser.ask("goto", url=f"{self.origin.url}/page")
        self.browser.ask("click", selector=selector)
        self.clicks += 1
        wait_until(f"{selector} to be somewhere", lambda: (now := self.everywhere())["waiting"] == 0 and sum(now.values()) >= self.clicks)

    def ended(self) -> list:
        return wait_until("the downloads", lambda: all(job["state"] in ENDED for job in self.read("/v1/jobs?limit=1000")) and self.read("/v1/jobs?limit=1000"), 60)

    def digests(self) -> dict:
        """SHA-256 of each content that the viewer gets, and how often."""
        found: dict = {}
        for file in self.read("/v1/files?limit=1000"):
            status, _, body = self.place.get(f"/v1/files/{file['id']}", self.token)
            assert status == 200, file
            digest = hashlib.sha256(body).hexdigest()
            found[digest] = found.get(digest, 0) + 1
        return found

    def close(self) -> None:
        for end in (self.browser.close, self.origin.close, self.place.stop):
            end()


def captured(rig: Rig, rounds: int) -> dict:
    """Every case, `rounds` times; then the content server goes, and the contents are compared."""
    for _ in range(rounds):
        for selector in CASES:
            rig.click(selector)
    jobs = rig.ended()
    digests = {name: rig.origin.ask("digest", name=name)["sha256"] for name in CASES.values()}
    rig.origin.ask("stop")
    got = rig.digests()
    rig.origin.ask("start")
    wrong = {name: got.get(digest, 0) for name, digest in digests.items() if got.get(digest, 0) != rounds}
    return {"clicks": rounds * len(CASES), "downloads at the place": len(jobs), "done": sum(job["state"] == "done" for job in jobs),
            "failed": [f"{job['name']}: {job.get('message', job['state'])}" for job in jobs if job["state"] != "done"],
            "contents other than the server's": sum(wrong.values()) if wrong else 0, "missing": sorted(wrong)}


def away(rig: Rig, rounds: int) -> dict:
    """The place goes and comes: the browser downloads as usual, or the request waits, as was chosen."""
    rig.browser.ask("forget")
    begun = sum(rig.everywhere().values())
    found = {"browser": 0, "waited": 0}
    for number in range(rounds):
        # Another link for each: what was just given back stays the browser's for a moment.
        for chosen, selector in (("browser", "#attachment"), ("wait", "#member")):
            rig.browser.set(whenDown=chosen)
            rig.place.stop()
            there = rig.everywhere()
            rig.browser.ask("goto", url=f"{rig.origin.url}/page")
            rig.browser.ask("click", selector=selector)
            key = "browser" if chosen == "browser" else "waiting"
            wait_until(f"the request in {key}", lambda: rig.everywhere()[key] > there[key], 30)
            rig.place.start()
            rig.browser.tell(do="flush")
            found["browser" if chosen == "browser" else "waited"] += 1
    wait_until("nothing waiting", lambda: rig.browser.tell(do="flush") is not None and rig.everywhere()["waiting"] == 0, 30)
    rig.ended()
    return {"clicks": 2 * rounds, "counted": sum(rig.everywhere().values()) - begun, **found}


def strangers(rig: Rig) -> dict:
    """The place forgets this browser: the request waits as refused, and goes when it is connected again."""
    rig.browser.set(whenDown="browser")
    for device in rig.read("/v1/devices")["devices"]:
        rig.place.get(f"/v1/devices/{device['id']}", rig.token, "DELETE")
    rig.browser.ask("goto", url=f"{rig.origin.url}/page")
    rig.browser.ask("click", selector="#plain")
    refused = wait_until("the refusal", lambda: [one["refused"] for one in rig.browser.tell(do="state")["waiting"] if "refused" in one])
    rig.connect()
    rig.ended()
    return {"refused as": refused, "left": len(rig.browser.tell(do="state")["waiting"])}


def contained(rig: Rig) -> dict:
    """A download for which only a container of Firefox has the cookie."""
    rig.browser.ask("contained", url=f"{rig.origin.url}/box")
    rig.browser.ask("click", selector="#boxed")
    job = wait_until("the contained download", lambda: next((job for job in rig.ended() if job["name"].startswith("boxed")), None))
    return {"state": job["state"], "right": rig.origin.ask("digest", name="boxed")["sha256"] in rig.digests()}


def problems(found: dict, rounds: int) -> list[str]:
    wrong = []
    if found["captured"]["done"] != found["captured"]["clicks"] or found["captured"]["missing"]:
        wrong.append(f"captured: {found['captured']}")
    if found["away"]["counted"] != found["away"]["clicks"]:
        wrong.append(f"lost while the place was away: {found['away']}")
    if found["strangers"] != {"refused as": ["unknown-device"], "left": 0}:
        wrong.append(f"unknown device: {found['strangers']}")
    if found.get("container", {"state": "done", "right": True}) != {"state": "done", "right": True}:
        wrong.append(f"container: {found['container']}")
    return wrong


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--browsers", default="chromium,firefox")
    chosen = options.parse_args()
    results, wrong = {}, []
    for kind in chosen.browsers.split(","):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-browsers-"))
        rig = Rig(folder, kind)
        try:
            found = {"browser": rig.browser.lines.ready["agent"], "captured": captured(rig, chosen.rounds), "away": away(rig, max(1, chosen.rounds // 2)),
                     "strangers": strangers(rig)}
            if kind == "firefox":
                found["container"] = contained(rig)
        finally:
            rig.close()
            shutil.rmtree(folder, ignore_errors=True)
        results[kind] = found
        print(kind, json.dumps(found), flush=True)
        wrong += [f"{kind}: {one}" for one in problems(found, chosen.rounds)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    out = {"commit": commit, "date": datetime.date.today().isoformat(), "rounds": chosen.rounds, "results": results, "problems": wrong}
    (ROOT / "docs" / "results" / "soak-browsers.json").write_text(json.dumps(out, indent=1) + "\n")
    print("\n".join(wrong) or "browsers: every click was captured, and none was lost")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
