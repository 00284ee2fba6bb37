# SPDX-License-Identifier: Apache-2.0
"""The keys that requests are sealed with, as a place makes, tells, renews and saves them; and the keys of browsers."""
import json
import pathlib
import re
import shutil
import tempfile
import time
import uuid

import pytest
from bed import sealed
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

PASSWORD = "correct horse battery"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def work():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-keys-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def content(work):
    server = ContentServer(work / "content").start()
    make_file(server.root / "a.bin", 1000, 1)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def place(work):
    one = Place(work / "place").start()
    one.add_user("ana")
    yield one
    one.stop()


def known(place) -> dict:
    return json.loads(place.get("/.well-known/restante")[2])


def signed_set(place, jkt: str, text: str = "") -> dict:
    """The place's keys, believed only from the identity that is known by its thumbprint: a second verifier."""
    text = text or place.get(known(place)["signed_jwks"])[2].decode()
    header, payload, signature = text.split(".")
    head = json.loads(sealed.unb64u(header))
    assert head["alg"] == "ES256" and head["typ"] == "vnd.restante.keys+jws"
    assert head["kid"] == jkt == sealed.thumbprint(head["jwk"])
    r, s = (int.from_bytes(half, "big") for half in (sealed.unb64u(signature)[:32], sealed.unb64u(signature)[32:]))
    sealed.public_key(head["jwk"]).verify(encode_dss_signature(r, s), f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    said = json.loads(sealed.unb64u(payload))
    assert said["iss"] == jkt
    return said


def browser(place, replaces: str = "", user: str = "ana") -> tuple[dict, str]:
    """Signs in as a page does: (headers of its requests, its CSRF token)."""
    body = json.dumps({"user": user, "password": PASSWORD, "cookie": True}).encode()
    headers = {**JSON, "Origin": place.url, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
               **({"Cookie": replaces} if replaces else {})}
    status, answer, said = place.get("/v1/session", None, "POST", body, headers)
    assert status == 201, said
    return {**headers, "Cookie": answer["Set-Cookie"].split(";")[0]}, json.loads(said)["csrf"]


def connect_browser(place, headers, csrf, device=None, code=None):
    device = device or sealed.SigningDevice()
    proof = device.sign(sealed.compact_json({"code": csrf if code is None else code, "jkt": known(place)["jkt"]}), "restante-enrol+jws")
    body = json.dumps({"jwk": device.jwk, "proof": proof}).encode()
    status, _, said = place.get("/v1/session:key", None, "POST", body, {**headers, "X-CSRF-Token": csrf})
    return device, status, json.loads(said)


def test_the_place_tells_its_keys_and_its_identity_signs_them(place):
    said = known(place)
    status, head, body = place.get(said["jwks"])
    signed = signed_set(place, said["jkt"])

    assert status == 200 and head["Content-Type"] == "application/jwk-set+json" and head["Cache-Control"] == "max-age=3600"
    assert place.get(said["signed_jwks"])[1]["Content-Type"] == "application/jose"
    keys = json.loads(body)["keys"]
    assert keys == signed["keys"]
    for key in keys:
        assert (key["use"], key["alg"], key["kid"]) == ("enc", "ECDH-ES+A256KW", sealed.thumbprint(key))
        assert "d" not in key and key["kid"] != said["jkt"], "neither private nor the key that signs"
    assert said["sig"] == ["ES256"] and said["kw"] == ["ECDH-ES+A256KW"] and said["enc"] == ["A256GCM"]
    assert {"application/jose", "application/vnd.restante.sealed+json"} <= set(said["formats"])
    for path in (said["jwks"], said["signed_jwks"]):
        status, head, body = place.get(path, method="HEAD")
        assert status == 200 and int(head["Content-Length"]) > 100 and body == b""
    stranger = sealed.SigningDevice()
    with pytest.raises(AssertionError):
        signed_set(place, said["jkt"], stranger.sign(json.dumps(signed), "vnd.restante.keys+jws", jwk=stranger.jwk))
    changed = place.get(said["signed_jwks"])[2].decode().split(".")
    changed[1] = sealed.b64u(json.dumps({**signed, "iat": signed["iat"] + 1}))
    with pytest.raises(InvalidSignature):
        signed_set(place, said["jkt"], ".".join(changed))


def test_a_device_learns_the_keys_when_it_connects_and_later(place):
    device = sealed.SigningDevice().connect(place, "ana")

    later = json.loads(place.get("/v1/place", device.token)[2])

    assert later["jkt"] == known(place)["jkt"] and later["mailboxes"] == [] and later["tz"]
    assert signed_set(place, later["jkt"], later["keys"])["keys"][0] == sealed.newest_key(place)
    assert place.get("/v1/place")[0] == 401
    made = place.get("/v1/tokens", device.token, "POST", b'{"kind":"submit","label":"script"}', JSON)
    for_a_script = place.get("/v1/place", json.loads(made[2])["token"])
    assert for_a_script[0] == 200 and json.loads(for_a_script[2])["keys"]


def test_after_a_rotation_the_old_key_still_opens_and_devices_follow_without_a_question(place, content, work):
    device = sealed.SigningDevice().connect(place, "ana")
    cli = Device(work / "cli")
    cli.connect("home", place.pair("ana"))
    pinned, before = known(place)["jkt"], signed_set(place, known(place)["jkt"])
    old = sealed.request(place, device, f"{content.url}/a.bin")
    of_a_past_day = cli.home / "restante" / "places.json"
    state = json.loads(of_a_past_day.read_text())
    for entry in state["places"] if isinstance(state, dict) else state:
        entry["looked"] = "2026-01-01T00:00:00Z" if isinstance(entry["looked"], str) else 0
    of_a_past_day.write_text(json.dumps(state))

    made = place.run("keys", "rotate")
    cli.json("send", f"{content.url}/a.bin", "--no-probe")

    after = signed_set(place, pinned)
    assert "new key" in made.stdout + made.stderr
    assert after["iat"] >= before["iat"] and after["keys"][1:] == before["keys"] and after["keys"][0] not in before["keys"]
    assert sealed.post(place, old)[0] == 202
    assert sealed.post(place, sealed.request(place, device, f"{content.url}/a.bin", "json"))[0] == 202
    assert after["keys"][0]["kid"] in signed_kids(cli), "the next command already seals for the new key"
    shown = place.run("--json", "check").stdout
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert any(line["check"] == "keys" and today in line["message"] for line in map(json.loads, shown.splitlines()))


def signed_kids(cli: Device) -> list[str]:
    text = (cli.home / "restante" / "places.json").read_text()
    sets = re.findall(r'"(eyJ[\w-]+\.[\w-]+\.[\w-]+)"', text)
    return [key["kid"] for one in sets for key in json.loads(sealed.unb64u(one.split(".")[1]))["keys"]]


def test_keys_are_files_for_the_server_alone_and_a_backup_holds_them(place, content, work):
    device = sealed.SigningDevice().connect(place, "ana")
    early = sealed.request(place, device, f"{content.url}/a.bin")
    place.run("keys", "rotate")
    late = sealed.request(place, device, f"{content.url}/a.bin")
    folder = place.data / "keys" / "encryption"
    files = sorted(folder.iterdir())

    place.run("backup", work / "backup", input="pass phrase\n")
    other = Place(work / "restored")
    other.run("restore", work / "backup", input="pass phrase\n")
    before = place.get(known(place)["jwks"])[2]
    rotated = other.run("keys", "rotate")  # no server runs there
    other.start()
    taken = [sealed.post(other, one) for one in (early, late)]
    keys = json.loads(other.get(known(other)["jwks"])[2])["keys"]
    other.stop()

    assert folder.stat().st_mode & 0o777 == 0o700 and all(one.stat().st_mode & 0o777 == 0o600 for one in files)
    assert [status for status, _ in taken] == [202, 202], taken
    assert rotated.returncode == 0 and keys[1:] == json.loads(before)["keys"]
    private = [re.sub(r"-----.*-----|\s", "", one.read_text())[20:60] for one in files]
    assert not any(secret in place.log() + (work / "backup").read_bytes().decode("latin-1") for secret in private)


def test_a_browser_connects_its_own_key_and_takes_it_along_when_it_is_signed_out(place, content):
    headers, csrf = browser(place)
    device, status, said = connect_browser(place, headers, csrf)
    listed = json.loads(place.get("/v1/devices", None, headers=headers)[2])
    mine = next(one for one in listed["devices"] if one["id"] == device.jkt)
    session = next(one for one in listed["sessions"] if one["current"])

    taken = sealed.post(place, sealed.request(place, device, f"{content.url}/a.bin"))
    out = place.get("/v1/session", None, "DELETE", headers={**headers, "X-CSRF-Token": csrf})[0]
    late = sealed.post(place, sealed.request(place, device, f"{content.url}/a.bin"))

    assert status == 201 and said["device"]["id"] == device.jkt and said["device"]["kind"] == "browser"
    assert mine["kind"] == "browser" and mine["label"] == "Firefox on Linux" and mine["current"] and mine["session"] == session["id"]
    assert taken[0] == 202 and taken[1]["status"] == "accepted"
    assert out == 204
    assert late[0] == 403 and late[1]["type"] == "/problems/unknown-device" and "pair" in late[1]["hint"]


def test_a_browsers_key_is_proven_over_what_only_its_page_knows(place):
    headers, csrf = browser(place)
    _, other = browser(place)

    stolen = connect_browser(place, headers, csrf, code=other)
    without = place.get("/v1/session:key", None, "POST", b"{}", headers)
    of_a_device = sealed.SigningDevice().connect(place, "ana")
    taken_over = connect_browser(place, headers, csrf, of_a_device)
    body = json.dumps({"jwk": of_a_device.jwk, "proof": "a.b.c"}).encode()
    by_token = place.get("/v1/session:key", of_a_device.token, "POST", body, JSON)

    assert stolen[1] == 422 and stolen[2]["type"] == "/problems/bad-signature"
    assert without[0] == 403, "no CSRF token"
    assert taken_over[1] == 409 and json.loads(place.get("/v1/place", of_a_device.token)[2])["jkt"]
    assert by_token[0] == 409


def test_whatever_ends_a_device_ends_what_it_sealed_at_once(place, content):
    """The document was made and sealed while the device was connected; it arrives after."""
    ends = {"revoked": lambda device, own: place.get(f"/v1/devices/{device.jkt}", own.token, "DELETE")[0] == 204,
            "new password": lambda device, own: place.run("user", "passwd", "ana", "--password-stdin", input=PASSWORD + "\n").returncode == 0}
    own = sealed.SigningDevice().connect(place, "ana")
    for why, end in ends.items():
        device, status, _ = connect_browser(place, *browser(place))
        assert status == 201
        asked = str(uuid.uuid4())
        document = sealed.request(place, device, f"{content.url}/a.bin", id=asked)
        first, _ = sealed.post(place, sealed.request(place, device, f"{content.url}/a.bin"))

        assert end(device, own), why
        late, problem = sealed.post(place, document)
        received = place.run("--json", "receive", input=document, check=False)

        assert first == 202 and late == 403 and problem["type"] == "/problems/unknown-device", why
        assert received.returncode == 1 and json.loads(received.stdout.splitlines()[0])["reason"] == "unknown-device", why
        ids = [one["id"] for one in json.loads(place.get("/v1/jobs", own.token)[2])]
        assert sealed.job_id(device.jkt, asked) not in ids
