# SPDX-License-Identifier: Apache-2.0
"""Two users see nothing of each other: on every route and method of contract/openapi.yaml a foreign id and an unknown id
give the same answer. Generated from the contract, so that a new route is covered by itself."""
import json
import re

import pytest
import yaml
from bed import ROOT
from bed.content import make_file
from bed.device import Device
from bed.process import wait_until

CONTRACT = yaml.safe_load((ROOT / "contract" / "openapi.yaml").read_text())
METHODS = ("get", "head", "put", "post", "patch", "delete")
# The secret in the path of an open route is its right: tests of links and notices ask about those.
ROUTES = sorted((path, method) for path, methods in CONTRACT["paths"].items() for method in methods
                if method in METHODS and "{" in path and not methods[method].get("x-open"))
KINDS = ("job", "file", "device", "proxy", "session", "token", "contact", "user", "guest", "link", "login")
BODIES = {"patch": (b'{"name":"other.bin"}', "application/merge-patch+json"), "post": (b"{}", "application/json"),
          "put": (b"{}", "application/json")}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Ana has one of everything; Bob asks for it."""
    import pathlib
    import shutil
    import tempfile

    from bed.content import ContentServer
    from bed.place import Place
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    content = ContentServer(work / "content").start()
    place = Place(work / "place").start()
    users = {}
    for name in ("ana", "bob"):
        place.add_user(name)
        users[name] = Device(work / name)
        users[name].connect("home", place.pair(name))
    make_file(content.root / "hers.bin", 1000, 1)
    ana = users["ana"]
    done, = ana.json("send", f"{content.url}/hers.bin", "--wait")
    waiting, = ana.json("send", f"{content.url}/hers.bin", "--at", "+1w", "--no-probe")
    detail = json.loads(place.get(f"/v1/jobs/{waiting['id']}", ana.token())[2])
    hers = {"job": waiting["id"], "ended": done["id"], "file": ana.json("files")[0]["id"],
            "device": next(d["id"] for d in ana.json("device", "list")), "proxy": detail["proxy"], "user": "ana", "guest": "ana"}

    def made(path, **members):
        status, _, body = place.get(path, ana.token(), "POST", json.dumps(members).encode(), {"Content-Type": "application/json"})
        assert status == 201, f"{path}: {body}"
        return json.loads(body)
    made("/v1/session", user="ana", password="correct horse battery")
    hers["session"] = json.loads(place.get("/v1/devices", ana.token())[2])["sessions"][0]["id"]
    hers["token"] = made("/v1/tokens", kind="submit", label="script")["id"]
    hers["contact"] = made("/v1/contacts", kind="webhook", address=f"{content.url}/hook")["id"]
    hers["login"] = made("/v1/logins", origin=content.url, kind="basic", user="ana", secret="open sesame")["id"]
    hers["link"] = made("/v1/links", file=hers["file"])["id"]
    yield place, users, hers
    place.stop()
    content.stop()
    shutil.rmtree(work, ignore_errors=True)


def unknown(value: str) -> str:
    """An id of the same form that nobody has."""
    return "".join({"0": "1", "a": "b", "A": "B"}.get(c, "0" if c.isdigit() else "a" if c.islower() else "A" if c.isupper() else c)
                   for c in value[:-1]) + value[-1] if not re.fullmatch(r"[0-9a-f-]{36}", value) else \
        "01999f3c-0000-7000-8000-000000000000"


def fill(path: str, hers: dict, foreign: bool) -> str:
    def value(match):
        name = match.group(1).lower()
        kind = next((kind for kind in KINDS if kind in name), None)
        if name in ("n", "index"):
            return "0"
        assert kind, f"{path}: say in tests/integration/test_isolation.py what {{{name}}} is"
        return hers[kind] if foreign else unknown(hers[kind])
    return re.sub(r"{(\w+)}", value, path)


def answer(place, token, path, method, if_match):
    body, media_type = BODIES.get(method, (None, None))
    headers = {**({"Content-Type": media_type} if media_type else {}), **({"If-Match": '"1"'} if if_match else {})}
    status, received, content = place.get(path, token, method.upper(), body, headers)
    kept = {name.lower(): value for name, value in received.items() if name.lower() not in ("date", "ratelimit", "content-length")}
    problem = content.replace(path.encode(), b"PATH")
    return status, kept, problem


def test_the_contract_has_routes_with_ids():
    assert len(ROUTES) >= 12


@pytest.mark.parametrize("path, method", ROUTES, ids=lambda part: part)
@pytest.mark.parametrize("if_match", [False, True], ids=["plain", "if-match"])
def test_a_foreign_id_is_answered_like_an_unknown_one(two, path, method, if_match):
    place, users, hers = two
    token = users["bob"].token()

    foreign = answer(place, token, fill(path, hers, True), method, if_match)
    missing = answer(place, token, fill(path, hers, False), method, if_match)

    assert foreign == missing
    assert foreign[0] >= 400


def test_only_a_secret_in_the_path_opens_a_route():
    for path, methods in CONTRACT["paths"].items():
        if any(method in METHODS and operation.get("x-open") for method, operation in methods.items()):
            names = [] if methods["get"]["tags"] == ["app"] else re.findall(r"{(\w+)}", path)  # the app is the same for all
            assert not names or (names[0] in ("token", "link_token") and not path.startswith("/v1/")), path


@pytest.mark.parametrize("path, method", ROUTES, ids=lambda part: part)
def test_without_a_token_every_route_with_an_id_is_closed(two, path, method):
    place, _, hers = two
    assert answer(place, None, fill(path, hers, True), method, False)[0] == 401
    assert answer(place, "A" * 43, fill(path, hers, True), method, False)[0] == 401


def test_the_check_can_fail(two):
    """Control: Ana herself gets another answer for her own id than for an unknown one."""
    place, users, hers = two
    token = users["ana"].token()

    own = answer(place, token, fill("/v1/jobs/{job}", hers, True), "get", False)
    missing = answer(place, token, fill("/v1/jobs/{job}", hers, False), "get", False)

    assert own != missing and own[0] == 200


def test_lists_hold_only_what_is_ones_own(two):
    place, users, hers = two
    for path in ("/v1/jobs", "/v1/files?arriving=true"):
        assert json.loads(place.get(path, users["bob"].token())[2]) == []
    assert hers["device"] not in place.get("/v1/devices", users["bob"].token())[2].decode()


def test_events_of_others_are_not_heard(two):
    import urllib.request
    place, users, hers = two
    request = urllib.request.Request(place.url + "/v1/events", headers={"Authorization": f"Bearer {users['bob'].token()}", "Last-Event-ID": "0"})
    with urllib.request.urlopen(request, timeout=5) as stream:
        users["ana"].run("pause", hers["job"])
        users["ana"].run("resume", hers["job"])
        users["bob"].json("send", "http://127.0.0.1:9/mine", "--at", "+1w", "--no-probe")
        heard = b""
        while b"\n\n" not in heard.replace(b"retry: 3000\n\n", b""):
            heard += stream.readline()
    assert hers["job"].encode() not in heard


def test_areas_of_similar_names_do_not_mix(two):
    place, users, hers = two
    place.add_user("bobby")
    bobby = Device(users["bob"].home.parent / "bobby")
    bobby.connect("home", place.pair("bobby"))

    assert bobby.json("files") == [] and users["bob"].json("files") == []
    assert place.get(f"/v1/files/{hers['file']}", bobby.token())[0] == 404


def test_a_removed_user_leaves_nothing(two):
    place, users, hers = two
    place.add_user("cyd")
    cyd = Device(users["bob"].home.parent / "cyd")
    cyd.connect("home", place.pair("cyd"))
    cyd.json("send", "http://127.0.0.1:9/x", "--at", "+1w", "--no-probe")

    place.run("user", "remove", "cyd")

    cyd.run("list", check=4)
    wait_until("the area's end", lambda: not (place.data / "areas" / "cyd").exists())
    assert "cyd" not in place.run("user", "list").stdout
