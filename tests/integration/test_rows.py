# SPDX-License-Identifier: Apache-2.0
"""The catalogue of misbehaving content servers against the whole product: how each download ends, why, and with which bytes.

Row names are those of the catalogue of bad answers (M1 to M42). Every row has its right twin, which must be accepted. After
each download the whole area of the account is compared, byte by byte, with what may be in it.
"""
import datetime
import hashlib
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types
import urllib.parse
import urllib.request

import pytest
from bed import ROOT
from bed.device import Device
from bed.documents import document, fetch
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

SERVER = ROOT / "tests" / "content_server" / "server.py"
sys.path.insert(0, str(SERVER.parent))  # it imports its neighbours
_spec = importlib.util.spec_from_file_location("content_server", SERVER)
_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_server)
DATA, LONG_DATA, HALF = _server.DATA, _server.LONG_DATA, _server.SIZE // 2
NOTHING = None
BOTH = ("http", "https")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Misbehaving:
    """The content server; it ends when its standard input does."""

    def __init__(self):
        self.popen = subprocess.Popen([sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name, value in json.loads(self.popen.stdout.readline()).items():
            setattr(self, name, value)

    def stop(self) -> None:
        self.popen.communicate(timeout=20)

    def _ask(self, path: str) -> bytes:
        with urllib.request.urlopen(self.http + path, timeout=20) as answer:
            return answer.read()

    def clear(self) -> None:
        self._ask("/_clear")

    def requests(self) -> list[types.SimpleNamespace]:
        seen = json.loads(self._ask("/_requests"))["requests"]
        return [types.SimpleNamespace(url=one["path"], port=one["port"], fields={n.lower(): v for n, v in one["headers"]}) for one in seen]


class Bench:
    """A place that trusts the content server's authority, one device, and what its area must hold."""

    def __init__(self, folder, ca: str):
        self.place = Place(folder / "place", ALLOW_LOOPBACK + f'[worker]\nca_bundle = "{ca}"\n')
        self.place.start()
        self.place.add_user("ana")
        self.ana = Device(folder / "ana")
        self.ana.connect("home", self.place.pair("ana"))
        self.area = self.place.data / "areas" / "ana"
        self.expected: dict[str, str] = {}
        self.count = 0

    def send(self, server: Misbehaving, path: str, *options, scheme: str = "http", attempts: int = 1, wait: bool = True, **more) -> dict:
        """Fetches into a folder of its own, as the file x."""
        self.count += 1
        server.clear()
        more.setdefault("check", False if wait else 0)
        job, = self.ana.json("send", getattr(server, scheme) + path, "--no-probe", "--name", "x", "--folder", f"n{self.count}",
                             "--max-attempts", attempts, *(["--wait"] if wait else []), *options, **more)
        return job

    def found(self) -> dict[str, str]:
        """Everything in the area, hidden or not: name to digest."""
        return {str(path.relative_to(self.area)): sha256(path.read_bytes()) for path in self.area.rglob("*") if not path.is_dir()}

    def check(self, job: dict, state: str, reason: str | None, data: bytes | None) -> None:
        name = f"n{self.count}/x"
        listed = {entry["name"]: entry["size_bytes"] for entry in self.ana.json("files")}
        found, wanted = self.found(), {**self.expected, **({} if data is NOTHING else {name: sha256(data)})}
        self.expected = found  # what one row left behind is not held against the next
        assert (job["state"], job.get("reason")) == (state, reason)
        assert found == wanted
        assert listed.get(name) == (None if data is NOTHING else len(data))

    def history(self, job: dict) -> list[dict]:
        return self.ana.json("show", job["id"])[0]["history"]


@pytest.fixture(scope="module")
def server():
    server = Misbehaving()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bench(server, tmp_path_factory):
    # One place for all rows: starting one for each would take most of the time. Sockets want short paths.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-rows-"))
    bench = Bench(folder, server.ca)
    yield bench
    bench.place.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def alone():
    """A content server of its own: its pauses touch no other row."""
    server = Misbehaving()
    yield server
    server.stop()


def again(first: str | None = None, ranged: str | None = None) -> str:
    return "/again?" + urllib.parse.urlencode({name: row for name, row in (("first", first), ("range", ranged)) if row})


# Row, path, schemes, attempts, options; then state, reason and bytes.
ROWS = [
    ("M1 closes early", "/m1", BOTH, 1, (), "failed", "incomplete", NOTHING),
    ("M2 sends more", "/m2", BOTH, 1, (), "failed", "excess", NOTHING),
    ("M2 sends a little more in one packet", "/m2-small", BOTH, 1, (), "failed", "excess", NOTHING),
    ("M2 sends much more after much", "/m2-long", BOTH, 1, (), "failed", "excess", NOTHING),
    ("M2 right by checksum", "/m2", BOTH, 1, ("--checksum", f"sha-256={sha256(DATA)}"), "done", None, DATA),
    ("M2 small, right by checksum", "/m2-small", BOTH, 1, ("--checksum", f"sha-256={sha256(DATA[:10])}"), "done", None, DATA[:10]),
    ("M2 long, right by checksum", "/m2-long", BOTH, 1, ("--checksum", f"sha-256={sha256(LONG_DATA)}"), "done", None, LONG_DATA),
    ("M2 twin", "/long", BOTH, 1, (), "done", None, LONG_DATA),
    ("M3 two lengths", "/m3", BOTH, 1, (), "failed", "malformed", NOTHING),
    ("M3 twin: the same length twice", "/m3-same", BOTH, 1, (), "done", None, DATA),
    ("M6 no last chunk", "/m6", BOTH, 1, (), "failed", "incomplete", NOTHING),
    ("M6 twin", "/chunked", BOTH, 1, (), "done", None, DATA),
    ("M11 a part that nobody asked for", "/m11", BOTH, 1, (), "done", None, DATA),
    ("M11 a part from the middle", "/m11-middle", BOTH, 1, (), "failed", "malformed", NOTHING),
    ("M13 without a range", "/m13", ("http",), 1, (), "failed", "malformed", NOTHING),
    ("M15 without end", again("/m1", "/m15-forever"), ("http",), 2, (), "failed", "incomplete", NOTHING),
    ("M16 without a range", "/m16", ("http",), 1, (), "failed", "malformed", NOTHING),
    ("M26 304 always", "/m26", ("http",), 1, (), "failed", "malformed", NOTHING),
    ("M26 twin: better without caches", "/m26-once", ("http",), 1, (), "done", None, DATA),
    *((f"M27 {kind}", f"/m27-{kind}", BOTH if kind == "chunked" else ("http",), 3, (), "failed", "empty-result", NOTHING)
      for kind in ("204", "205", "empty", "chunked")),
    *((f"M27 twin: {kind}", f"/m27-{kind}", BOTH if kind == "chunked" else ("http",), 1, ("--allow-empty",), "done", None, b"")
      for kind in ("204", "205", "empty", "chunked")),
    ("M32 to itself", "/m32-loop", ("http",), 3, (), "failed", "redirect-loop", NOTHING),
    ("M32 between two", "/m32-two", ("http",), 3, (), "failed", "redirect-loop", NOTHING),
    ("M32 eleven", "/m32-chain?n=11", ("http",), 3, (), "failed", "redirect-loop", NOTHING),
    ("M32 twin: ten", "/m32-chain?n=10", BOTH, 1, (), "done", None, DATA),
    ("M34 https to http", "/redirect?to=HTTP/ok", ("https",), 3, (), "failed", "redirect-refused", NOTHING),
    ("M34 twin: https to https", "/redirect?to=HTTPS/ok", ("https",), 1, (), "done", None, DATA),
    ("M34 twin: http to https", "/redirect?to=HTTPS/ok", ("http",), 1, (), "done", None, DATA),
    *((f"M35 {kind}", f"/m35-{kind}", BOTH, 3, (), "failed", "redirect-refused", NOTHING) for kind in ("ftp", "file", "data")),
    ("M35 twin: relative", "/relative", ("http",), 1, (), "done", None, DATA),
    ("M35 twin: other origin", "/redirect?to=OTHER/ok", ("http",), 1, (), "done", None, DATA),
    ("M28 packed, not asked for", "/m28", BOTH, 1, (), "done", None, DATA),
    ("M28 packed, right by checksum", "/m28", ("http",), 1, ("--checksum", f"sha-256={sha256(DATA)}"), "done", None, DATA),
    ("M28 a coding that nobody knows", "/m28-br", ("http",), 3, (), "failed", "decode", NOTHING),
    ("M28 twin: the file is packed itself", "/m28.tar.gz", BOTH, 1, (), "done", None, DATA),
    ("M30 packed, cut off", "/m30", BOTH, 1, (), "failed", "incomplete", NOTHING),
    ("M30 packed, wrong check sum", "/m30-sum", ("http",), 3, (), "failed", "decode", NOTHING),
    ("M31 a bomb", "/m31", ("http",), 3, (), "failed", "decode", NOTHING),
    ("M31 larger than allowed", "/m31", ("http",), 3, ("--max-size", "1M"), "failed", "too-large", NOTHING),
    ("M52 a page", "/m52.bin", BOTH, 1, (), "held", "portal-suspected", NOTHING),
    ("M52 a page without type", "/m52-untyped.bin", ("http",), 1, (), "held", "portal-suspected", NOTHING),
    ("M52 a page of another type", "/m52-typed.bin", ("http",), 1, (), "held", "portal-suspected", NOTHING),
    ("M52 a page elsewhere", "/m52-away.bin", ("http",), 1, (), "held", "portal-suspected", NOTHING),
    ("M52 a form where anything may be", "/m52-form", ("http",), 1, (), "held", "portal-suspected", NOTHING),
    ("M52 511", "/status/511", BOTH, 1, (), "held", "portal-suspected", NOTHING),
    ("M52 passes", "/again.bin?first=/m52.bin", BOTH, 2, (), "done", None, DATA),
    ("M53", "/m53.iso", BOTH, 1, (), "held", "portal-suspected", NOTHING),
    ("M54", "/m54.bin", BOTH, 3, (), "held", "auth-expired", NOTHING),
    ("M52 twin: a page", "/hello", BOTH, 1, (), "done", None, _server.HELLO),
    ("M52 twin: a page by its name", "/hello.html", BOTH, 1, (), "done", None, _server.HELLO),
    ("M52 twin: a page that is asked for", "/page.bin", ("http",), 1, ("--header", "Accept: text/html"), "done", None, _server.HELLO),
    ("M52 twin: a page to be saved", "/saved.bin", ("http",), 1, (), "done", None, _server.HELLO),
    ("M52 twin: a page by its checksum", "/page.bin", ("http",), 1, ("--checksum", f"sha-256={sha256(_server.HELLO)}"), "done", None, _server.HELLO),
    ("M55 a file of wrong type", "/typed.bin", BOTH, 1, (), "done", None, DATA),
    ("M57 a link that runs out", "/signed.bin", BOTH, 1, (), "done", None, DATA),
    ("M58 once", "/once", ("http",), 1, (), "done", None, DATA),
    ("M58 cut, then gone", "/once?cut=1", ("http",), 3, (), "failed", "not-found", NOTHING),
    ("M64 other bytes each time", "/m64", BOTH, 2, (), "done", None, DATA),
    ("M69 a clock ahead", "/m69?years=10", ("http",), 2, (), "done", None, DATA),
    ("M69 a clock behind", "/m69?years=-10", ("http",), 2, (), "done", None, DATA),
    ("M47 a digest behind the body", "/m47-digest", BOTH, 3, (), "failed", "digest-mismatch", NOTHING),
    ("M47 twin", "/m47-right", BOTH, 1, (), "done", None, DATA),
    ("M70 a digest that is wrong", "/m70", BOTH, 3, (), "failed", "digest-mismatch", NOTHING),
    ("M70 twin", "/m70-right", BOTH, 1, (), "done", None, DATA),
    ("M70 not what was wanted", "/ok", ("http",), 3, ("--checksum", f"sha-256={sha256(LONG_DATA)}"), "failed", "digest-mismatch", NOTHING),
    ("what real servers send: identity", "/identity", BOTH, 1, (), "done", None, DATA),
    ("what real servers send: oddities", "/odd", BOTH, 1, (), "done", None, b"hello"),
]
CASES = [pytest.param(scheme, *row[1:2], *row[3:], id=f"{row[0]} ({scheme})") for row in ROWS for scheme in row[2]]


@pytest.mark.parametrize("scheme, path, attempts, options, state, reason, data", CASES)
def test_a_row_ends_as_it_must(scheme, path, attempts, options, state, reason, data, bench, server):
    job = bench.send(server, path, *options, scheme=scheme, attempts=attempts)

    bench.check(job, state, reason, data)


@pytest.mark.xdist_group("silent servers")
def test_m50_servers_that_never_speak_hold_nobody_up_and_are_left(bench, server, alone):
    silent = [bench.send(server, "/m50", wait=False)["id"] for _ in range(8)]
    show = lambda id_: bench.ana.json("show", id_)[0]
    wait_until("a silent server", lambda: "running" in {show(id_)["state"] for id_ in silent})
    alone.http = alone.http.replace("127.0.0.1", "localhost")  # another host

    job = bench.send(alone, "/ok")

    bench.check(job, "done", None, DATA)
    left = wait_until("the end of one", lambda: next((one for one in map(show, silent) if one["state"] == "failed"), None), 180, 1.0)
    assert left["reason"] == "timeout"
    assert bench.history(job)[-1]["at"] < left["history"][-1]["at"], "it waited for those that say nothing"
    bench.ana.run("cancel", *silent, check=False)


def test_m51_what_a_kept_connection_did_not_answer_is_asked_again(bench, alone):
    bench.check(bench.send(alone, "/ok"), "done", None, DATA)

    bench.check(bench.send(alone, "/m51"), "done", None, DATA)

    assert [one.url for one in alone.requests()] == ["/m51"] * 2


def test_m51_what_is_posted_is_posted_once(bench, alone):
    bench.check(bench.send(alone, "/ok"), "done", None, DATA)
    alone.clear()
    core = document(bench.place, alone.http + "/m51", name="posted")
    core["what"]["files"][0]["sources"][0]["request"] = {"method": "POST", "body64": "aGVsbG8="}

    done = fetch(bench.place, bench.ana.token(), core)

    assert (done["state"], (bench.area / "posted").read_bytes()) == ("done", DATA), done
    assert [one.url for one in alone.requests()] == ["/m51"]
    bench.expected = bench.found()


def test_m70_a_mismatch_is_fetched_once_more_and_kept_in_quarantine(bench, server):
    job = bench.send(server, "/m70", attempts=3)

    bench.check(job, "failed", "digest-mismatch", NOTHING)
    assert [one.fields.get("range") for one in server.requests()] == [None, None]
    kept = [path for path in (bench.place.data / "incoming").rglob(f"{job['id']}.*") if path.read_bytes() == DATA]
    assert kept, "what came stays in quarantine"


def test_m52_what_was_there_before_a_portal_stays_and_goes_on_behind_it(bench, server):
    job = bench.send(server, "/again.bin?first=/m1&range=/m52.bin", attempts=2)

    assert (job["state"], job["reason"]) == ("held", "portal-suspected")
    assert job["received_bytes"] == HALF
    bench.ana.run("cancel", job["id"])


@pytest.mark.parametrize("attempts, reason, asked", [
    (2, "malformed", ["/m3"] * 2), (2, "incomplete", ["/m6"] * 2), (3, "excess", ["/m2"]), (3, "empty-result", ["/m27-204"]),
    (3, "redirect-refused", ["/m35-file"]), (3, "redirect-loop", ["/m32-loop"]), (3, "redirect-loop", ["/m32-two", "/m32-back"]),
    (3, "redirect-loop", [f"/m32-chain?n={n}" for n in range(20, 9, -1)])],
    ids=lambda value: value[0] if isinstance(value, list) else str(value))
def test_only_what_may_pass_is_asked_for_again(attempts, reason, asked, bench, server):
    job = bench.send(server, asked[0], attempts=attempts)

    bench.check(job, "failed", reason, NOTHING)
    assert job["attempt"] == (attempts if reason in ("malformed", "incomplete") else 1)
    assert [one.url for one in server.requests()] == asked


FROM = HALF - 4096  # each resume asks for the last 4 KiB once more and compares them
# What the Range after a cut is answered with, over which schemes; from which bytes on each request wanted the content; how it ends.
RESUMES = [
    ("M1 twin: goes on", "/ok", BOTH, [0, FROM], None),
    ("M11 goes on", "/m11", ("http",), [0, FROM], None),
    ("M12 the whole again", "/m12", BOTH, [0, FROM, 0], None),
    ("M13 begins elsewhere", "/m13", BOTH, [0, FROM, 0], None),
    ("M14 of another length", "/m14", ("http",), [0, FROM, 0], None),
    ("M15 in small pieces", "/m15", BOTH, [0, *range(FROM, _server.SIZE, 10_000)], None),
    ("M16 does not say which part", "/m16", ("http",), [0, FROM, 0], None),
    ("M26 304", "/m26-once", ("http",), [0, FROM, FROM], None),
    ("M27 204", "/m27-204", ("http",), [0, FROM, 0], None),
    ("M42 500", "/status/500", ("http",), [0, FROM], "server-error"),
]


@pytest.mark.parametrize("row, scheme, starts, reason", [
    pytest.param(row, scheme, starts, reason, id=f"{name} ({scheme})") for name, row, schemes, starts, reason in RESUMES for scheme in schemes])
def test_a_cut_download_ends_with_the_right_bytes_whatever_its_range_is_answered(row, scheme, starts, reason, bench, server):
    job = bench.send(server, again("/m1", row), scheme=scheme, attempts=2)

    bench.check(job, *(("failed", reason, NOTHING) if reason else ("done", None, DATA)))
    seen = server.requests()
    assert [int(one.fields.get("range", "bytes=0-")[6:-1]) for one in seen] == starts
    assert all(one.fields["if-range"] == _server.ETAG for one in seen if "range" in one.fields)
    assert [row["reason"] for row in bench.history(job) if row["to"] == "waiting" and "reason" in row] == ["incomplete"]


@pytest.mark.parametrize("to, state, reason", [
    ("OTHER/auth", "failed", "auth-required"), ("HTTPS/auth", "failed", "auth-required"),
    ("OTHER/ok", "done", None), ("/auth", "done", None)])
def test_m33_secrets_stay_with_their_origin(to, state, reason, bench, server):
    job = bench.send(server, f"/redirect?to={to}", "--user", "user", "--secret-stdin", "--header", "X-Key: hidden",
                     attempts=3, input="pass\n")

    bench.check(job, state, reason, DATA if state == "done" else NOTHING)
    seen = server.requests()
    home = urllib.parse.urlsplit(server.http).port
    assert len(seen) == 2 and seen[0].port == home
    for one in seen:
        assert ("authorization" in one.fields, "x-key" in one.fields) == (one.port == home, one.port == home)


@pytest.mark.parametrize("code, reason", [(403, "forbidden"), (404, "not-found"), (410, "not-found"), (451, "forbidden")])
def test_m40_a_refusal_is_final(code, reason, bench, server):
    job = bench.send(server, again(f"/status/{code}"), attempts=3)

    bench.check(job, "failed", reason, NOTHING)
    assert len(server.requests()) == 1


@pytest.mark.parametrize("code, reason", [
    (408, "timeout"), (500, "server-error"), (502, "server-error"), (504, "server-error"), (520, "server-error")])
def test_m42_a_fault_is_tried_again_and_its_words_are_no_content(code, reason, bench, server):
    for attempts, end in ((1, ("failed", reason, NOTHING)), (2, ("done", None, DATA))):
        job = bench.send(server, again(f"/status/{code}"), attempts=attempts)

        bench.check(job, *end)
        assert len(server.requests()) == job["attempt"] == attempts


def instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.mark.parametrize("code, reason, after, least, most", [
    (429, "rate-limited", "after=2", 2.0, 4.0), (503, "server-error", "after=2", 2.0, 4.0), (429, "rate-limited", "date=3", 1.9, 5.0),
    (503, "server-error", "date=-3600", 0.7, 1.9), (429, "rate-limited", "after=soon", 0.7, 1.9)])
def test_m41_retry_after_is_obeyed_and_then_it_comes(code, reason, after, least, most, bench, alone):
    job = bench.send(alone, again(f"/status/{code}?{after}"), attempts=2)

    bench.check(job, "done", None, DATA)
    history = bench.history(job)
    told = next(row for row in history if row["to"] == "waiting" and row.get("reason") == reason)
    ran = next(row for row in history if row["to"] == "running" and row["at"] > told["at"])
    assert least <= (instant(ran["at"]) - instant(told["at"])).total_seconds() <= most
    assert len(alone.requests()) == 2


@pytest.mark.parametrize("code, reason", [(429, "rate-limited"), (503, "server-error")])
def test_m41_ten_years_are_a_day(code, reason, bench, alone):
    job = bench.send(alone, f"/status/{code}?after=315360000", attempts=2, wait=False)
    waiting = wait_until("the wait", lambda: next((one for one in bench.ana.json("show", job["id"]) if one.get("reason") == reason), None))
    bench.ana.run("cancel", job["id"])

    told = next(row for row in waiting["history"] if row.get("reason") == reason)
    assert waiting["state"] == "waiting"
    assert 86_390 <= (instant(waiting["next_run"]) - instant(told["at"])).total_seconds() <= 86_410
    bench.check(bench.ana.json("show", job["id"])[0], "cancelled", "cancelled", NOTHING)


@pytest.mark.parametrize("code, reason", [(429, "rate-limited"), (503, "server-error")])
def test_m41_without_another_attempt_it_fails(code, reason, bench, alone):
    job = bench.send(alone, f"/status/{code}?after=1", attempts=1)

    bench.check(job, "failed", reason, NOTHING)


@pytest.mark.parametrize("wrong", [("failed", None, DATA), ("done", "excess", DATA), ("done", None, DATA[:-1] + b"?"), ("done", None, NOTHING)])
def test_a_wrong_expectation_is_noticed(wrong, bench, server):
    job = bench.send(server, "/ok")

    before = bench.expected
    with pytest.raises(AssertionError):
        bench.check(job, *wrong)
    bench.expected = before
    bench.check(job, "done", None, DATA)
