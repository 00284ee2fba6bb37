# SPDX-License-Identifier: Apache-2.0
"""THREATS.md B1 and B2: hundreds of names that want out, through every way a name can come; a watcher on the whole file
system shows that nothing is written outside the area. RESTANTE_HOSTILE_NAMES sets how many names there are."""
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import tempfile
import unicodedata
import uuid

import pytest
import yaml
from bed import ROOT
from bed.device import Device
from bed.place import Place
from bed.process import wait_until
from bed.watcher import ProcessTree, Watcher
from hostile import CorpusServer, HostileServer, LyingPlace, last_part_encoded, names, url_path

COUNT = int(os.environ.get("RESTANTE_HOSTILE_NAMES", "520"))
TOKEN = "zq" + secrets.token_hex(4)
NAMES = names(COUNT, TOKEN)
FEW = NAMES[::max(1, COUNT // 130)]  # for ways that cost a process or a download each
OURS = ("restante.db", "restante.db-wal", "restante.db-shm")
# The limits that a person meets are not what is tried here.
CONFIG = '[address_guard]\nallow = ["127.0.0.0/8"]\n[limits]\nsubmit_per_minute = 100000\n'


class Bed:
    """A place with ana and bob, a device of ana's, a content server of hostile names."""

    def __init__(self, work: pathlib.Path):
        self.work = work
        self.place = Place(work / "a" / "b" / "place", CONFIG).start()
        for user in ("ana", "bob"):
            self.place.add_user(user)
        self.ana = Device(work / "a" / "b" / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        self.token = self.ana.token()
        self.wellknown = json.loads(self.place.get("/.well-known/restante")[2])
        self.content = HostileServer(NAMES)
        self.area = self.place.data / "areas" / "ana"
        self.tree = ProcessTree(self.place.program.pid)

    def stop(self) -> None:
        self.content.stop()
        self.place.stop()

    def watch(self) -> Watcher:
        inside = str(self.work)
        return Watcher(["/"], lambda pid, path: self.tree(pid) or path.startswith(inside) or TOKEN in path)

    def faults(self, written: set[str], *allowed: pathlib.Path) -> list[str]:
        """What was written where nobody may write."""
        data = str(self.place.data)
        rights = [f"{self.area}/", f"{data}/incoming/1/", *(f"{folder}/" for folder in allowed)]
        exact = {f"{data}/{name}" for name in OURS} | {str(self.place.program.log), str(self.area), f"{data}/incoming/1", f"{data}/incoming"}
        return sorted(path for path in written if path not in exact and not path.startswith(tuple(rights)))

    def core(self, url: str, **file) -> dict:
        now = self.wellknown["time"]["now"]
        folder = file.pop("folder", None)
        what = {"files": [{"sources": [{"url": url}], **file}], **({"folder": folder} if folder else {})}
        return {"v": 1, "id": str(uuid.uuid4()), "aud": [{"jkt": self.wellknown["jkt"]}], "iat": now, "exp": now + 86400, "what": what,
                "probe": False}

    def submit(self, cores: list[dict]) -> list[dict]:
        lines = "\n".join(json.dumps(core) for core in cores).encode()
        status, _, body = self.place.get("/v1/proxies", self.token, "POST", lines, {"Content-Type": "application/jsonl"})
        assert status == 200, body
        return [json.loads(line) for line in body.splitlines()]

    def call(self, method: str, path: str, body=None, media_type: str = "application/merge-patch+json", **headers) -> tuple[int, dict]:
        status, _, answer = self.place.get(path, self.token, method, None if body is None else json.dumps(body).encode(),
                                           {"Content-Type": media_type, **headers})
        return status, json.loads(answer) if answer.strip() else {}

    def settle(self) -> None:
        """Until nothing is under way any more; what waits for a later try is cancelled."""
        def resting():
            jobs, path = [], "/v1/jobs?limit=1000&state=waiting,running,verifying,publishing"
            while path:
                _, headers, page = self.place.get(path, self.token)
                jobs += json.loads(page)
                if any(job.get("waiting_for") != "retry" for job in jobs):
                    return None
                following = re.match(r"<([^>]*)>", headers.get("Link", ""))
                path = following and following.group(1)
            return (jobs,)
        for job in wait_until("the downloads' end", resting, 300, 0.2)[0]:
            self.call("POST", f"/v1/jobs/{job['id']}:cancel")

    def files(self) -> list[dict]:
        return json.loads(self.place.get("/v1/files", self.token)[2])


@pytest.fixture(scope="module")
def bed():
    assert os.geteuid() == 0, "fanotify takes root"
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    bed = Bed(work)
    yield bed
    bed.stop()
    shutil.rmtree(work, ignore_errors=True)


def check(bed: Bed, written: set[str]) -> None:
    assert bed.faults(written) == []
    assert list((bed.place.data / "areas").iterdir()) == [bed.area]
    for file in bed.files():
        assert (bed.area / file["name"]).is_file() and is_clean(file["name"]), file["name"]


def is_clean(name: str) -> bool:
    parts = name.split("/")
    return all(part and part[0] != "." and part[-1] not in ". " and len(part.encode()) <= 255 for part in parts) and not any(
        unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") or c in '\\:*?"<>|' for c in name)


def test_names_of_content_servers_stay_in_the_area(bed):
    """Content-Disposition, the URL's path and a redirect's, all names at once."""
    watcher = bed.watch()
    numbers = range(len(NAMES))
    urls = [f"{bed.content.url}/cd/{i}" for i in numbers]
    urls += [bed.content.url + (url_path if i % 2 else last_part_encoded)(NAMES[i]) for i in numbers[::4]]
    urls += [f"{bed.content.url}/to/{i}" for i in numbers[1::4]]
    before = len(bed.files())
    verdicts = bed.submit([bed.core(url) for url in urls])
    bed.settle()
    written = watcher.stop()

    check(bed, written)
    accepted = sum(verdict["status"] == "accepted" for verdict in verdicts)
    published = len(bed.files()) - before
    assert accepted > 0.9 * len(urls) and published > 0.9 * accepted, (len(urls), accepted, published)
    assert sum(path.startswith(f"{bed.area}/") for path in written) >= published


def test_real_headers_get_their_names_on_the_whole_way(bed):
    """Every answer of the corpus, from the wire to the area (corpus_test.cpp says how many names are Chromium's)."""
    corpus = json.loads(pathlib.Path(__file__).with_name("content_disposition.json").read_text())["cases"]
    content = CorpusServer(corpus)
    verdicts = bed.submit([bed.core(f"{content.url}/{i}{case['path']}", folder=f"corpus/{i}") for i, case in enumerate(corpus)])
    bed.settle()
    content.stop()

    refused = {case["path"] for case, verdict in zip(corpus, verdicts) if verdict["status"] != "accepted"}
    assert refused <= {"/a%00b.bin", "/a%0Ab.bin"}, refused  # such a URL is not taken at all
    corpus = [None if case["path"] in refused else case for case in corpus]
    expected = {f"corpus/{i}/{case.get('ours', case['chromium'])}": case["header"] for i, case in enumerate(corpus) if case}
    got = {file["name"] for file in bed.files() if file["name"].startswith("corpus/")}
    missing = {name: header for name, header in expected.items() if name not in got}
    # A control in a field's value makes the whole answer malformed.
    assert all(any(ord(c) < 0x20 and c != "\t" or ord(c) == 0x7f for c in header or "") for header in missing.values()), missing
    assert got <= set(expected) and len(missing) < 5


def test_names_and_folders_of_a_document_stay_in_the_area(bed):
    watcher = bed.watch()
    url = f"{bed.content.url}/plain"
    verdicts = bed.submit([bed.core(url, name=name) for name in NAMES] + [bed.core(url, folder=name, name="f") for name in NAMES] +
                          [bed.core(url, path=name) for name in FEW])
    bed.settle()

    check(bed, watcher.stop())
    assert len({verdict["status"] for verdict in verdicts}) == 2  # some are refused, some are cleaned


def test_a_later_change_of_a_download_keeps_it_in_the_area(bed):
    watcher = bed.watch()
    statuses = set()
    for i, name in enumerate(FEW):
        core = bed.core(f"{bed.content.url}/plain")
        core["when"] = {"start": "2037-01-01T00:00:00Z"}
        job = bed.submit([core])[0]["job"]["id"]
        change = {"name": name} if i % 2 else {"folder": name}
        statuses.add(bed.call("PATCH", f"/v1/jobs/{job}", change, **{"If-Match": "*"})[0])
        etag = bed.place.get(f"/v1/jobs/{job}", bed.token)[1]["ETag"]
        statuses.add(bed.call("PATCH", f"/v1/jobs/{job}", change, **{"If-Match": etag})[0])
        bed.call("POST", f"/v1/jobs/{job}:now")
    bed.settle()

    check(bed, watcher.stop())
    assert 200 in statuses and max(statuses) < 500


def test_a_later_name_of_a_file_keeps_it_in_the_area(bed):
    bed.submit([bed.core(f"{bed.content.url}/renamed-{i}.bin") for i in range(4)])
    bed.settle()
    ids = [file["id"] for file in bed.files() if file["name"].startswith("renamed-")]
    watcher = bed.watch()
    statuses = {bed.call("PATCH", f"/v1/files/{ids[i % len(ids)]}", {"name": name})[0] for i, name in enumerate(NAMES)}

    check(bed, watcher.stop())
    assert statuses == {200}


def test_names_on_the_command_line_stay_in_the_area(bed):
    watcher = bed.watch()
    url = f"{bed.content.url}/plain"
    exits = set()
    for i, name in enumerate(FEW[::6]):
        if "\0" not in name:
            exits.add(bed.ana.run("send", url, f"--{'folder' if i % 2 else 'name'}={name}", "--no-probe", check=False).returncode)
    bed.settle()

    assert bed.faults(watcher.stop(), bed.ana.home) == []
    assert exits <= {0, 1, 2} and 0 in exits


def test_a_lying_place_chooses_no_path_on_the_device(bed):
    lying = LyingPlace(bed.place.url)
    device = Device(bed.work / "a" / "b" / "deceived")
    device.connect("home", bed.place.pair("ana"))
    known = device.home / "restante" / "places.json"
    known.write_text(known.read_text().replace(bed.place.url, lying.url))
    bed.submit([bed.core(f"{bed.content.url}/prey.bin")])
    bed.settle()
    prey = next(file for file in bed.files() if file["name"].startswith("prey"))
    folder = bed.work / "1" / "2" / "3" / "4" / "5" / "6" / "7" / "8" / "chosen"
    folder.mkdir(parents=True)
    watcher = bed.watch()
    taken = 0
    for i, name in enumerate([*FEW[::12], "..", ".", "/", ".bashrc", f"{TOKEN}.part", "a/..", ""]):
        lying.lie = name
        done = device.run("get", prey["id"], *(["-o", "./"] if i % 2 else []), cwd=folder, check=False)
        taken += done.returncode == 0
    lying.stop()

    assert bed.faults(watcher.stop(), folder, device.home) == []
    assert taken >= 10
    for path in folder.rglob("*"):
        assert path.is_file() and path.parent == folder and is_clean(path.name), path


def test_every_text_of_every_changing_route_stays_in_the_area(bed):
    """B2, generated from the contract: a new field is covered by itself."""
    watcher = bed.watch()
    tried, statuses = set(), set()
    for path, method, media_type, schema in changing_routes():
        for pointer in texts_of(schema):
            tried.add((path, method, pointer))
            for name in FEW[::12]:
                body = sample(bed, schema)
                put(body, pointer, name)
                target = path.replace("{job}", a_job(bed)).replace("{file}", a_file(bed)).replace("{device}", "0" * 32)
                statuses.add(bed.call(method, target, body, media_type, **{"If-Match": "*"})[0])
    bed.settle()

    check(bed, watcher.stop())
    assert {("/v1/files/{file}", "PATCH", ("name",)), ("/v1/jobs/{job}", "PATCH", ("name",)), ("/v1/jobs/{job}", "PATCH", ("folder",))} <= tried
    assert any(path == "/v1/proxies" and pointer[-1] == "folder" for path, _, pointer in tried)
    assert max(statuses) < 500 and 200 in statuses, statuses


def test_the_watcher_sees_a_write_outside(bed):
    """Control: one planted write, and a receiver that joins paths as text, which hundreds of these names lead out."""
    watcher = bed.watch()
    outside = bed.place.data / "areas" / "planted"
    outside.write_text("x")
    outside.unlink()
    assert bed.faults(watcher.stop()) == [str(outside)]

    jail = bed.work / "jail"
    (jail / "a/b/c/area").mkdir(parents=True)
    naive = f"""
import os, sys, urllib.parse
os.chroot({str(jail)!r}); os.chdir("/a/b/c/area")
for name in sys.stdin.read().splitlines():
    path = os.path.join("/a/b/c/area", urllib.parse.unquote(name).replace("\\\\", "/").replace("\\0", ""))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True); open(path, "w").close()
    except (OSError, ValueError):
        pass
"""
    watcher = bed.watch()
    subprocess.run(["/usr/bin/python3", "-c", naive], input="\n".join(NAMES), text=True, check=True)
    escaped = bed.faults(watcher.stop(), jail / "a/b/c/area")
    assert sum(TOKEN in path for path in escaped) >= COUNT // 5, len(escaped)


CONTRACT = yaml.safe_load((ROOT / "contract" / "openapi.yaml").read_text())
PROXY = json.loads((ROOT / "contract" / "proxy.schema.json").read_text())


def resolve(schema: dict) -> dict:
    while "$ref" in schema:
        reference = schema["$ref"]
        if reference.endswith("/Proxy"):
            return PROXY
        schema = _at(PROXY if reference.startswith("#/$defs") else CONTRACT, reference)
    return schema


def _at(document: dict, reference: str) -> dict:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


def changing_routes():
    for path, methods in CONTRACT["paths"].items():
        for method in ("post", "put", "patch"):
            for media_type, content in methods.get(method, {}).get("requestBody", {}).get("content", {}).items():
                if "json" in media_type and "jsonl" not in media_type:
                    yield path, method.upper(), media_type, content["schema"]


def texts_of(schema: dict, pointer: tuple = (), depth: int = 0):
    """Where a text may stand."""
    schema = resolve(schema)
    kinds = schema.get("type", [])
    if "string" in ([kinds] if isinstance(kinds, str) else kinds):
        yield pointer
    if depth < 7:
        for name, inner in schema.get("properties", {}).items():
            yield from texts_of(inner, (*pointer, name), depth + 1)
        if isinstance(schema.get("items"), dict):
            yield from texts_of(schema["items"], (*pointer, 0), depth + 1)
        for choice in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())):
            yield from texts_of(choice, pointer, depth + 1)


def sample(bed: Bed, schema: dict) -> dict:
    """The least body that could be taken."""
    if resolve(schema) is PROXY:
        return bed.core(f"{bed.content.url}/plain")
    required = resolve(schema).get("required", ())
    return {name: "x" for name in required}


def put(body: dict, pointer: tuple, value: str) -> None:
    at = body
    for part, following in zip(pointer, pointer[1:]):
        empty = [] if following == 0 else {}
        if isinstance(at, list):
            at.extend([] if at else [empty])
            at = at[0]
        else:
            if not isinstance(at.get(part), type(empty)):
                at[part] = empty
            at = at[part]
    if isinstance(at, list):
        at[:] = [value]
    else:
        at[pointer[-1]] = value


def a_job(bed: Bed) -> str:
    core = bed.core(f"{bed.content.url}/plain")
    core["when"] = {"start": "2037-01-01T00:00:00Z"}
    if not hasattr(bed, "waiting"):
        bed.waiting = bed.submit([core])[0]["job"]["id"]
    return bed.waiting


def a_file(bed: Bed) -> str:
    if not hasattr(bed, "changed"):
        bed.changed = bed.files()[0]["id"]
    return bed.changed
