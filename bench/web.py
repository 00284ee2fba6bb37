# SPDX-License-Identifier: Apache-2.0
"""The web app by Lighthouse, without the internet: performance and accessibility of its main pages as a phone sees them."""
import json
import pathlib
import subprocess
import uuid
import time
import urllib.parse

from bed.content import ContentServer, make_file
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

ROUNDS, ROWS, FILES = 5, 50, 12
CATEGORIES = ("performance", "accessibility")
FOLDER = pathlib.Path(__file__).resolve().parent / "web"
NODE = FOLDER.parent.parent / "scripts" / "node.sh"
CHROMIUM = "/usr/bin/chromium"


class SignedIn:
    """A user with downloads and files, and the cookie of a browser that is signed in."""

    def __init__(self, place: Place, content: ContentServer):
        self.place, self.content = place, content
        place.add_user("ana")
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(place.pair("ana")).fragment)["c"][0]
        body = json.dumps({"code": code, "cookie": True}).encode()
        status, headers, answer = place.get("/v1/session", method="POST", body=body,
                                            headers={"Content-Type": "application/json", "Origin": place.url})
        assert status == 201, answer
        self.cookie = headers["Set-Cookie"].split(";")[0]
        said = json.loads(place.get("/v1/session", headers={"Cookie": self.cookie})[2])
        self.changing = {"Cookie": self.cookie, "Origin": place.url, "X-CSRF-Token": said["csrf"], "Content-Type": "application/json"}
        self.jkt = json.loads(place.get("/.well-known/restante")[2])["jkt"]

    def send(self, url: str, **more) -> str:
        now = int(time.time())
        core = {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": self.jkt}], "iat": now, "exp": now + 86400 * 30,
                "what": {"files": [{"sources": [{"url": url}]}]}, **more}
        status, _, answer = self.place.get("/v1/proxies", method="POST", body=json.dumps(core).encode(), headers=self.changing)
        assert status == 202, answer
        return json.loads(answer)["id"]

    def fill(self) -> None:
        """Files that came, and downloads of a night to come."""
        came = []
        for number in range(FILES):
            make_file(self.content.root / f"film-{number}.mp4", 200_000, number)
            came.append(self.send(f"{self.content.url}/film-{number}.mp4"))
        for number in range(ROWS - FILES):
            self.send(f"{self.content.url}/later-{number}.iso", when={"start": "2037-01-01T00:00:00Z"})
        wait_until("the files", lambda: all(self.state(job) == "done" for job in came), 60)

    def state(self, job: str) -> str:
        return json.loads(self.place.get(f"/v1/jobs/{job}", headers={"Cookie": self.cookie})[2])["state"]


def looked_at(work: pathlib.Path, url: str, cookie: str | None) -> dict:
    """One run of Lighthouse, with its usual phone and network: scores of 0 to 100, and what took how long."""
    headers, out = work / "headers.json", work / "report.json"
    headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}))
    command = [str(NODE), str(FOLDER / "node_modules" / ".bin" / "lighthouse"), url, "--output=json", f"--output-path={out}", "--quiet",
               f"--only-categories={','.join(CATEGORIES)}", f"--extra-headers={headers}",
               "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180,
                          env={"CHROME_PATH": CHROMIUM, "HOME": str(work), "PATH": "/usr/local/bin:/usr/bin:/bin", "LIGHTHOUSE_SKIP_UPDATE": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(out.read_text())
    assert "runtimeError" not in report, report["runtimeError"]
    audits = report["audits"]
    return {"url": report["finalDisplayedUrl"], **{name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES},
            "first_paint_ms": audits["first-contentful-paint"]["numericValue"],
            "largest_paint_ms": audits["largest-contentful-paint"]["numericValue"],
            "blocked_ms": audits["total-blocking-time"]["numericValue"], "shift": audits["cumulative-layout-shift"]["numericValue"],
            "bytes": audits["total-byte-weight"]["numericValue"],
            "faults": sorted(name for name, audit in audits.items() if audit.get("score") == 0 and audit.get("scoreDisplayMode") == "binary")}


def bench(work: pathlib.Path) -> dict:
    work.mkdir(parents=True, exist_ok=True)
    content = ContentServer(work / "content").start()
    place = Place(work / "place", config=f'[place]\nname = "Harbour Hotel"\n{ALLOW_LOOPBACK}').start()
    try:
        ana = SignedIn(place, content)
        ana.fill()
        pages = {"sign-in": ("/sign-in", None), "downloads": ("/downloads", ana.cookie), "files": ("/files", ana.cookie)}
        results: dict = {name: [] for name in pages}
        for round_ in range(ROUNDS):
            for name, (path, cookie) in pages.items():
                results[name].append(looked_at(work, place.url + path, cookie))
                assert results[name][-1]["url"] == place.url + path, results[name][-1]["url"]
                del results[name][-1]["url"]  # the port is another one each time
            print(f"round {round_ + 1}: {json.dumps({name: rows[-1] for name, rows in results.items()})}", flush=True)
        return results
    finally:
        place.stop()
        content.stop()
