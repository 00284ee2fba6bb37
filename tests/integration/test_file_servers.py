# SPDX-License-Identifier: Apache-2.0
"""Folders and files of FTP, FTPS and SFTP servers: real ones, and one that lies."""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import tempfile
import types
import urllib.parse
import uuid

import pytest
from bed.certificates import Authority
from bed.content import make_file
from bed.device import Device
from bed.documents import document, ended, fetch, job, submit
from bed.file_servers import PASSWORD, USER, FtpScript, OwnUsers, Sshd, Vsftpd
from bed.place import ALLOW_LOOPBACK, Place
from bed.process import wait_until

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def stage():
    """One place, one vsftpd of each kind and one sshd with the same files for all of these tests."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="restante-test-"))
    folder.chmod(0o755)
    authority, stranger = Authority(folder / "authority"), Authority(folder / "stranger")
    public, home = folder / "public", folder / "home"
    for root in (public, home):
        for name, size in (("pub/week 12.mp4", 30_000), ("pub/ü.bin", 7), ("pub/old/a.bin", 9), ("pub/empty.bin", 0)):
            make_file(root / name, size, size)
        os.utime(root / "pub/week 12.mp4", (1577934245, 1577934245))
    users = OwnUsers(folder / "etc", home)
    good, unknown = authority.issue("127.0.0.1"), stranger.issue("127.0.0.1")
    servers = {"plain": Vsftpd(folder / "plain", users, public), "tls": Vsftpd(folder / "tls", users, public, tls="offered", certificate=good),
               "implicit": Vsftpd(folder / "implicit", users, public, tls="implicit", certificate=good),
               "strict": Vsftpd(folder / "strict", users, public, tls="offered", certificate=good, reuse=True),
               "rsa": Sshd(folder / "rsa", users, keys=("rsa",)),
               "untrusted": Vsftpd(folder / "untrusted", users, public, tls="offered", certificate=unknown), "ssh": Sshd(folder / "ssh", users)}
    place = Place(folder / "place", ALLOW_LOOPBACK + f'[worker]\nca_bundle = "{authority.certificate}"\n')
    place.start()
    place.add_user("ana")
    ana = Device(folder / "ana")
    ana.connect("home", place.pair("ana"))
    yield types.SimpleNamespace(folder=folder, place=place, ana=ana, token=ana.token(), home=home, **servers)
    place.stop()
    for server in servers.values():
        server.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def scripts():
    made = []

    def make(**options):
        made.append(FtpScript(**options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def sign_in(origin: str, **more) -> list:
    return [{"id": "c1", "kind": "basic", "scope": [origin], "user": USER, "password": PASSWORD, **more}]


def browse(stage, url, access=(), **query) -> tuple[int, dict]:
    text = urllib.parse.urlencode(query, doseq=True)
    status, _, body = stage.place.get(f"/v1/browse?{text}", stage.token, "POST", json.dumps(document(stage.place, url, access)).encode(), JSON)
    return status, json.loads(body)


def offered(stage, url, access=(), **query) -> dict:
    status, answer = browse(stage, url, access, **query)
    assert status == 200, answer
    return answer


def refused(stage, url, access=()) -> dict:
    status, answer = browse(stage, url, access)
    assert status != 200, answer
    return answer


def shown(answer) -> list[tuple]:
    return sorted((one["kind"], f"{one.get('folder', '')}/{one['name']}", one.get("size_bytes")) for one in answer["offers"])


PUB = [("file", "/empty.bin", 0), ("file", "/week 12.mp4", 30_000), ("file", "/ü.bin", 7), ("folder", "/old", None)]


def test_an_anonymous_folder_is_listed_with_sizes_and_dates(stage):
    answer = offered(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/")

    assert (answer["kind"], answer["title"], answer["complete"]) == ("folder", "pub", True)
    assert shown(answer) == PUB
    week = next(one for one in answer["offers"] if one["name"].startswith("week"))
    assert week["modified"].startswith("2020-01-02")
    assert week["file"]["sources"] == [{"url": f"ftp://127.0.0.1:{stage.plain.port}/pub/week%2012.mp4"}]


def test_folders_below_are_walked(stage):
    answer = offered(stage, f"ftp://127.0.0.1:{stage.plain.port}/", depth=2)

    assert ("file", "pub/old/a.bin", 9) in shown(answer)
    assert answer["folders_seen"] == 2


def test_an_address_without_a_slash_may_be_a_folder_or_a_file(stage):
    folder = offered(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub")
    file = offered(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/week%2012.mp4")

    assert (folder["kind"], shown(folder)) == ("folder", PUB)
    assert (file["kind"], shown(file)) == ("file", [("file", "/week 12.mp4", 30_000)])


def test_what_is_not_there_is_said(stage):
    answer = refused(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/nothing")

    assert answer["reason"] == "not-found"


def test_passwords_open_a_folder_and_wrong_ones_do_not(stage):
    origin = f"ftp://127.0.0.1:{stage.plain.port}"

    assert shown(offered(stage, origin + "/pub/", sign_in(origin))) == PUB
    assert refused(stage, origin + "/pub/", sign_in(origin, password="wrong"))["reason"] == "auth-expired"


def test_what_the_server_offers_to_encrypt_is_encrypted(stage):
    origin = f"ftp://127.0.0.1:{stage.tls.port}"

    assert shown(offered(stage, origin + "/pub/", sign_in(origin))) == PUB
    assert shown(offered(stage, origin + "/pub/")) == PUB

    commands = [line.split('"')[-2] for line in stage.tls.log().splitlines() if "FTP command" in line]
    assert "AUTH SSL" in commands or "AUTH TLS" in commands
    assert "PROT P" in commands
    assert commands.index("PROT P") < commands.index("PASV" if "PASV" in commands else "EPSV")


def test_encryption_from_the_first_byte(stage):
    origin = f"ftps://127.0.0.1:{stage.implicit.port}"

    assert shown(offered(stage, origin + "/pub/", sign_in(origin))) == PUB


def test_a_server_without_a_good_certificate_gets_no_password(stage):
    origin = f"ftp://127.0.0.1:{stage.untrusted.port}"

    answer = refused(stage, origin + "/pub/", sign_in(origin))

    assert answer["reason"] == "tls"
    assert USER not in stage.untrusted.log()
    assert shown(offered(stage, origin + "/pub/")) == PUB, "who has no password to lose reads what everybody may read"


def test_sftp_folders_and_files(stage):
    origin = f"sftp://127.0.0.1:{stage.ssh.port}"
    known = sign_in(origin, host_key=stage.ssh.fingerprints["ecdsa"])

    assert shown(offered(stage, f"{origin}{stage.home}/pub/", known)) == PUB
    assert shown(offered(stage, f"{origin}/~/pub", known)) == PUB
    assert shown(offered(stage, f"{origin}/~/pub/week%2012.mp4", known)) == [("file", "/week 12.mp4", 30_000)]
    assert refused(stage, f"{origin}/~/pub/nothing", known)["reason"] == "not-found"


@pytest.mark.parametrize("key", [None, "SHA256:" + "A" * 43])
def test_a_host_that_nobody_vouches_for_hears_nothing(stage, key):
    origin = f"sftp://127.0.0.1:{stage.ssh.port}"
    before = stage.ssh.log().count("Accepted password") + stage.ssh.log().count("Failed password")

    answer = refused(stage, f"{origin}/~/pub/", sign_in(origin, **({"host_key": key} if key else {})))

    assert answer["reason"] == "host-key"
    assert stage.ssh.fingerprints["ecdsa"] in answer["detail"]
    assert stage.ssh.log().count("Accepted password") + stage.ssh.log().count("Failed password") == before
    assert PASSWORD not in json.dumps(answer)


def test_without_a_sign_in_the_host_key_is_shown(stage):
    answer = refused(stage, f"sftp://127.0.0.1:{stage.ssh.port}/~/pub/")

    assert answer["reason"] == "host-key"
    assert f"--host-key {stage.ssh.fingerprints['ecdsa']}" in answer["detail"]


def test_wrong_passwords_are_told_apart_from_wrong_hosts(stage):
    origin = f"sftp://127.0.0.1:{stage.ssh.port}"

    answer = refused(stage, f"{origin}/~/pub/", sign_in(origin, host_key=stage.ssh.fingerprints["ecdsa"], password="wrong"))

    assert answer["reason"] == "auth-expired"


def test_facts_are_asked_for_first(stage, scripts):
    server = scripts(listing=b"type=file;size=5;modify=20261123073000; a.bin\r\ntype=dir; sub\r\n")

    answer = offered(stage, f"ftp://127.0.0.1:{server.port}/")

    assert shown(answer) == [("file", "/a.bin", 5), ("folder", "/sub", None)]
    assert "MLSD" in server.said and "LIST" not in server.said


def test_data_is_fetched_from_the_server_itself_wherever_it_points(stage, scripts):
    decoy = socket.create_server(("127.0.0.2", 0))
    decoy.settimeout(0.2)
    port = decoy.getsockname()[1]

    def pasv():
        data = socket.create_server(("127.0.0.1", port))
        return data, f"227 there (127,0,0,2,{port >> 8},{port & 255})\r\n".encode()
    server = scripts(answers={"EPSV": b"500 no\r\n", "PASV": pasv}, listing=b"type=file;size=5; a.bin\r\n")

    answer = offered(stage, f"ftp://127.0.0.1:{server.port}/")

    assert shown(answer) == [("file", "/a.bin", 5)]
    assert server.data_from
    with pytest.raises(TimeoutError):
        decoy.accept()
    decoy.close()


def test_data_is_not_fetched_from_low_ports(stage, scripts):
    server = scripts(answers={"EPSV": b"229 there (|||22|)\r\n", "PASV": b"227 there (127,0,0,1,0,22)\r\n"}, listing=b"")

    answer = refused(stage, f"ftp://127.0.0.1:{server.port}/")

    assert answer["reason"] == "address"


def test_no_address_of_ours_is_ever_told(stage, scripts):
    server = scripts(answers={"EPSV": b"502 no\r\n", "PASV": b"502 no\r\n"}, listing=b"")

    answer = refused(stage, f"ftp://127.0.0.1:{server.port}/")

    assert answer["reason"] == "malformed" and "EPSV" in server.said
    assert not [line for line in server.said if line.startswith(("PORT", "EPRT"))]


@pytest.mark.parametrize("listing, names", [
    (b"-rw-r--r-- 1 0 0 5 Nov 23 07:30 ../../../etc/passwd\r\n-rw-r--r-- 1 0 0 5 Nov 23 07:30 good\r\n", ["good"]),
    (b"-rw-r--r-- 1 0 0 5 Nov 23 07:30 a\rDELE b\r\n-rw-r--r-- 1 0 0 5 Nov 23 07:30 good\r\n", ["a", "good"]),
    (b"\x00\xff" * 40_000 + b"\r\n-rw-r--r-- 1 0 0 5 Nov 23 07:30 good\r\n", ["good"])], ids=["upwards", "breaks", "noise"])
def test_odd_names_lead_nowhere(stage, scripts, listing, names):
    server = scripts(answers={"MLSD": b"502 no\r\n"}, listing=listing)

    answer = offered(stage, f"ftp://127.0.0.1:{server.port}/")

    assert [one["name"] for one in answer["offers"]] == names
    assert len(answer["left_out"]) == 1 and not answer["complete"]
    assert not [line for line in server.said if line.startswith("DELE")]


def test_more_than_can_be_read_is_cut_and_said(stage, scripts):
    line = b"type=file;size=5; " + b"x" * 200 + b"\r\n"
    server = scripts(listing=line * 20_000)

    answer = offered(stage, f"ftp://127.0.0.1:{server.port}/")

    assert not answer["complete"]
    assert 1 <= len(answer["offers"]) <= 4096


@pytest.mark.parametrize("greeting, reason", [(b"220-" + b"hello " * 20 + b"\r\n" + b"220-more of it\r\n" * 40_000, "malformed"),
                                              (b"220 " + b"x" * 3_000_000, "incomplete")], ids=["lines", "a line"])
def test_a_server_that_greets_without_end_is_left(stage, scripts, greeting, reason):
    server = scripts(greeting=greeting)

    answer = refused(stage, f"ftp://127.0.0.1:{server.port}/")

    assert answer["reason"] == reason
    assert offered(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/")["complete"]


def taken(stage, url, access=(), **members) -> tuple[dict, bytes]:
    """The download once it has ended, and its bytes."""
    members.setdefault("name", f"{uuid.uuid4()}.bin")
    done = fetch(stage.place, stage.token, document(stage.place, url, access, **members), 60)
    path = stage.place.data / "areas" / "ana" / members["name"]
    return done, path.read_bytes() if path.exists() else b""


def content(stage, name="week 12.mp4") -> bytes:
    return (stage.home / "pub" / name).read_bytes()


@pytest.mark.parametrize("server, scheme", [("plain", "ftp"), ("tls", "ftp"), ("strict", "ftp"), ("implicit", "ftps"), ("ssh", "sftp")])
def test_a_file_arrives_as_it_is(stage, server, scheme):
    at = getattr(stage, server)
    origin = f"{scheme}://127.0.0.1:{at.port}"
    known = sign_in(origin, **({"host_key": at.fingerprints["ecdsa"]} if scheme == "sftp" else {}))
    home = "/~" if scheme == "sftp" else ""

    done, got = taken(stage, f"{origin}{home}/pub/week%2012.mp4", known)

    assert (done["state"], done.get("reason")) == ("done", None), done
    assert got == content(stage)


def test_a_server_with_an_rsa_key_alone_is_told_so(stage):
    origin = f"sftp://127.0.0.1:{stage.rsa.port}"

    done, _ = taken(stage, f"{origin}/~/pub/week%2012.mp4", sign_in(origin, host_key=stage.rsa.fingerprints["rsa"]))

    assert (done["state"], done["reason"]) == ("failed", "malformed"), done
    assert "RSA" in done["message"]
    assert " password for " not in stage.rsa.log()


def test_a_file_keeps_the_name_that_it_has_there(stage):
    done = fetch(stage.place, stage.token, document(stage.place, f"ftp://127.0.0.1:{stage.plain.port}/pub/%C3%BC.bin"))

    assert done["state"] == "done"
    assert (stage.place.data / "areas" / "ana" / "ü.bin").read_bytes() == content(stage, "ü.bin")


def test_what_was_found_in_a_folder_can_be_fetched(stage):
    offers = offered(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/", match="*.mp4")["offers"]
    core = document(stage.place, "http://unused.invalid/")
    core["what"] = {"files": [offers[0]["file"]]}

    assert fetch(stage.place, stage.token, core)["state"] == "done"


@pytest.mark.parametrize("server, scheme", [("plain", "ftp"), ("ssh", "sftp")])
def test_a_file_that_is_not_there_is_not_found(stage, server, scheme):
    at = getattr(stage, server)
    origin = f"{scheme}://127.0.0.1:{at.port}"
    known = sign_in(origin, **({"host_key": at.fingerprints["ecdsa"]} if scheme == "sftp" else {}))

    done, _ = taken(stage, f"{origin}/pub/nothing", known)

    assert (done["state"], done["reason"]) == ("failed", "not-found")


def test_a_folder_is_no_file(stage):
    done, _ = taken(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/")

    assert (done["state"], done["reason"]) == ("failed", "not-found")
    assert "restante browse" in json.dumps(job(stage.place, stage.token, done["id"]))


def test_an_empty_file_is_taken_only_where_it_is_wanted(stage):
    origin = f"sftp://127.0.0.1:{stage.ssh.port}"
    known = sign_in(origin, host_key=stage.ssh.fingerprints["ecdsa"])

    assert taken(stage, f"ftp://127.0.0.1:{stage.plain.port}/pub/empty.bin")[0]["reason"] == "empty-result"
    assert taken(stage, f"{origin}/~/pub/empty.bin", known)[0]["reason"] == "empty-result"


def test_a_checksum_decides(stage):
    url = f"ftp://127.0.0.1:{stage.plain.port}/pub/week%2012.mp4"

    def with_digest(text):
        core = document(stage.place, url, name=f"{uuid.uuid4()}.bin")
        core["what"]["files"][0]["digest"] = {"sha-256": hashlib.sha256(text).hexdigest()}
        return fetch(stage.place, stage.token, core)

    assert with_digest(content(stage))["state"] == "done"
    assert with_digest(b"other")["reason"] == "digest-mismatch"


def test_a_download_from_a_stranger_host_needs_a_person(stage):
    origin = f"sftp://127.0.0.1:{stage.ssh.port}"
    before = stage.ssh.log().count(" password for ")

    done, _ = taken(stage, f"{origin}/~/pub/week%2012.mp4", sign_in(origin))

    assert (done["state"], done["reason"]) == ("held", "host-key")
    assert stage.ssh.log().count(" password for ") == before


BYTES = bytes(range(256)) * 4096


@pytest.mark.parametrize("options, state, reason", [
    ({"send": 1000}, "failed", "incomplete"),
    ({"after_data": b"426 cut\r\n"}, "failed", "incomplete"),
    ({"after_data": b"451 late\r\n"}, "failed", "incomplete"),
    ({"after_data": b"421 enough\r\n"}, "failed", "incomplete"),
    ({"after_data": None}, "failed", "incomplete"),
    ({"answers": {"RETR": b"421 enough\r\n"}}, "failed", "rate-limited"),
    ({"greeting": b"421 too many users\r\n"}, "failed", "rate-limited"),
    ({"answers": {"SIZE": b"213 1000\r\n"}}, "failed", "excess"),
    ({"answers": {"SIZE": b"213 9999999\r\n"}}, "failed", "incomplete"),
    ({"answers": {"SIZE": b"502 no\r\n"}}, "done", "complete-unverified")],
    ids=["short", "426", "451", "421", "gone", "421-before", "full", "size-small", "size-large", "no-size"])
def test_only_what_is_whole_is_published(stage, scripts, options, state, reason):
    server = scripts(files={"a.bin": BYTES}, **options)

    done, got = taken(stage, f"ftp://127.0.0.1:{server.port}/a.bin")

    assert (done["state"], done["reason"]) == (state, reason), done
    assert got == (BYTES if state == "done" else b"")


def cut_once(stage, server) -> dict:
    """The end of a download whose first connection was cut after 600,000 bytes."""
    core = document(stage.place, f"ftp://127.0.0.1:{server.port}/a.bin", attempts=4, name=f"{uuid.uuid4()}.bin")
    status, accepted = submit(stage.place, stage.token, core)
    assert status == 202, accepted
    wait_until("the first cut", lambda: server.data_from and job(stage.place, stage.token, accepted["id"])["state"] == "waiting")
    server.send = None
    stage.place.get(f"/v1/jobs/{accepted['id']}:now", stage.token, "POST", b"")
    return ended(stage.place, stage.token, accepted["id"], 60)


@pytest.mark.parametrize("dated", [True, False])
def test_a_cut_download_goes_on_where_it_was_if_nothing_changed(stage, scripts, dated):
    server = scripts(files={"a.bin": BYTES}, send=600_000, answers={"MDTM": b"213 20200102030405\r\n"} if dated else {})

    assert cut_once(stage, server)["state"] == "done"

    rests = [line for line in server.said if line.startswith("REST ") and line != "REST 0"]
    assert rests == (["REST 595904"] if dated else [])


def test_a_server_without_rest_begins_again(stage, scripts):
    server = scripts(files={"a.bin": BYTES}, send=600_000, answers={"MDTM": b"213 20200102030405\r\n", "REST": b"502 no\r\n"})

    assert cut_once(stage, server)["state"] == "done"


def test_what_changes_under_way_is_fetched_anew(stage, scripts):
    dates = iter([b"213 20200102030405\r\n"] + [b"213 20200102030406\r\n"] * 9)
    server = scripts(files={"a.bin": BYTES}, answers={"MDTM": lambda: (None, next(dates))})

    done, got = taken(stage, f"ftp://127.0.0.1:{server.port}/a.bin")

    assert done["state"] == "done" and got == BYTES
    assert server.said.count("RETR a.bin") == 2


def test_an_interrupted_sftp_download_goes_on(stage):
    origin = f"sftp://127.0.0.1:{stage.ssh.port}"
    make_file(stage.home / "pub" / "long.bin", 1_500_000, 77)
    known = sign_in(origin, host_key=stage.ssh.fingerprints["ecdsa"])
    core = document(stage.place, f"{origin}/~/pub/long.bin", known, name="long.bin", attempts=3)
    core["limits"]["rate"] = 1_000_000
    status, accepted = submit(stage.place, stage.token, core)
    assert status == 202, accepted

    wait_until("some bytes", lambda: job(stage.place, stage.token, accepted["id"])["received_bytes"] > 200_000)
    stage.place.get(f"/v1/jobs/{accepted['id']}:pause", stage.token, "POST", b"")
    wait_until("the pause", lambda: job(stage.place, stage.token, accepted["id"])["state"] == "paused")
    held = job(stage.place, stage.token, accepted["id"])["received_bytes"]
    stage.place.get(f"/v1/jobs/{accepted['id']}:resume", stage.token, "POST", b"")
    wait_until("more bytes", lambda: job(stage.place, stage.token, accepted["id"])["received_bytes"] > held)
    done = ended(stage.place, stage.token, accepted["id"], 60)

    assert 200_000 < held < 1_500_000
    assert done["state"] == "done", done
    assert (stage.place.data / "areas" / "ana" / "long.bin").read_bytes() == (stage.home / "pub" / "long.bin").read_bytes()


def test_the_command_looks_and_sends_with_a_host_key(stage):
    url, key = f"sftp://127.0.0.1:{stage.ssh.port}/~/pub/", stage.ssh.fingerprints["ecdsa"]
    options = ["--user", USER, "--secret-stdin"]

    refused_ = stage.ana.run("browse", url, *options, input=PASSWORD + "\n", check=1)
    seen = stage.ana.run("browse", url, *options, "--host-key", key, input=PASSWORD + "\n")
    sent = stage.ana.run("send", url + "old/a.bin", *options, "--host-key", key, "--wait", input=PASSWORD + "\n")

    assert key in refused_.stderr and PASSWORD not in refused_.stderr
    assert "week 12.mp4" in seen.stdout
    assert "done" in sent.stdout
    assert (stage.place.data / "areas" / "ana" / "a.bin").read_bytes() == content(stage, "old/a.bin")


def test_a_stored_login_keeps_its_host_key(stage):
    origin, key = f"sftp://127.0.0.1:{stage.ssh.port}", stage.ssh.fingerprints["ecdsa"]
    stage.ana.run("login", "add", origin, "--user", USER, "--host-key", key, "--secret-stdin", input=PASSWORD + "\n")

    sent = stage.ana.run("send", f"{origin}/~/pub/old/a.bin", "--name", "stored.bin", "--wait")

    assert "done" in sent.stdout
    assert stage.ana.run("login", "add", "https://files.example", "--user", "a", "--host-key", key, "--secret-stdin", input="p\n", check=2)


def test_a_login_stored_at_the_place_keeps_its_host_key(stage):
    origin, key = f"sftp://127.0.0.1:{stage.ssh.port}", stage.ssh.fingerprints["ecdsa"]

    def store(**members):
        body = json.dumps({"kind": "basic", "user": USER, "secret": PASSWORD, **members}).encode()
        status, _, answer = stage.place.get("/v1/logins", stage.token, "POST", body, JSON)
        return status, json.loads(answer)

    assert store(origin="https://files.example", host_key=key)[1]["pointer"] == "/host_key"
    assert store(origin=origin, host_key="SHA256:short")[1]["pointer"] == "/host_key"
    status, stored = store(origin=origin, host_key=key)
    assert status == 201, stored

    assert shown(offered(stage, f"{origin}/~/pub/old/")) == [("file", "/a.bin", 9)]
    stage.place.get(f"/v1/logins/{stored['id']}", stage.token, "DELETE")
