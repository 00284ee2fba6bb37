# SPDX-License-Identifier: Apache-2.0
"""Beyond loopback: TLS pinned by the pairing URL, in a network namespace of the test's own; backup and restore."""
import contextlib
import os
import pathlib
import pty
import subprocess

import pytest
from bed import namespaces
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place


@pytest.fixture
def far(work):
    """A place and a device in two namespaces with a cable between them."""
    assert os.geteuid() == 0, "network namespaces take root"
    mark = f"rt{os.getpid()}"
    hosts = []
    try:
        hosts = [namespaces.Host(f"{mark}p"), namespaces.Host(f"{mark}d")]
        namespaces.link(hosts[0], "lan", "10.77.9.1", hosts[1], "lan", "10.77.9.2")
        place = Place(work / "far", '[address_guard]\nallow = ["10.77.9.0/24"]\n', ["10.77.9.1:8470"], hosts[0].prefix).start()
        place.add_user("ana")
        yield place, hosts
        place.stop()
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "del", host.name], check=True)


def test_a_device_beyond_loopback_speaks_pinned_tls(work, far):
    place, hosts = far
    content = ContentServer(work / "content", "10.77.9.1", hosts[0].prefix).start()
    digest = make_file(content.root / "x.bin", 100_000, 5)
    url = place.pair("ana")
    device = Device(work / "device", hosts[1].prefix)

    device.connect("home", url)
    job, = device.json("send", f"{content.url}/x.bin", "--wait")
    device.run("get", "x.bin", "-o", work / "x.bin")
    content.stop()

    assert url.startswith("https://10.77.9.1:8470/pair#k=")
    assert job["state"] == "done"
    import hashlib
    assert hashlib.sha256((work / "x.bin").read_bytes()).hexdigest() == digest


def test_plain_http_is_not_answered_beyond_loopback(far):
    place, hosts = far

    plain = subprocess.run([*hosts[1].prefix, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://10.77.9.1:8470/healthz"],
                           capture_output=True, text=True)

    assert plain.stdout in ("000", "400")


def test_another_key_is_refused_before_anything_is_sent(work, far):
    place, hosts = far
    url = place.pair("ana")
    device = Device(work / "device", hosts[1].prefix)

    refused = device.run("place", "add", "home", url.replace("#k=", "#k=A")[:-1], check=False)

    assert refused.returncode in (1, 2)
    Device(work / "right", hosts[1].prefix).connect("home", url)


def test_a_server_with_a_new_key_is_not_spoken_to(work, far):
    place, hosts = far
    device = Device(work / "device", hosts[1].prefix)
    device.connect("home", place.pair("ana"))
    place.stop()
    (place.data / "keys" / "identity.pem").unlink()
    place.start()

    done = device.run("list", check=1)

    assert "key" in done.stderr


def test_backup_and_restore_keep_everything_but_content(work, place, ana):
    waiting, = ana.json("send", "http://127.0.0.1:9/x", "--at", "+1w", "--no-probe", "--header", "X-Api-Key: K4N4RY")
    backup = work / "home.backup"
    place.run("backup", str(backup), input="a long passphrase\n")
    place.stop()

    wrong = Place(work / "wrong", listen=place.listen).run("restore", str(backup), input="another passphrase\n", check=False)
    restored = Place(work / "restored", listen=place.listen)
    restored.run("restore", str(backup), input="a long passphrase\n")
    over = restored.run("restore", str(backup), input="a long passphrase\n", check=False)
    restored.start()
    try:
        listed = ana.json("list")
    finally:
        restored.stop()

    assert wrong.returncode == 1 and "passphrase" in wrong.stderr
    assert over.returncode == 1, "it restored over what is there"
    assert [job["id"] for job in listed] == [waiting["id"]]
    assert b"K4N4RY" not in backup.read_bytes() and backup.stat().st_mode & 0o077 == 0


def test_a_job_that_was_due_since_the_backup_is_held_with_a_question(work, place, ana, publish):
    url, _ = publish("x.bin")
    job, = ana.json("send", url, "--at", "+2s", "--no-probe")
    backup = work / "home.backup"
    place.run("backup", str(backup), input="a long passphrase\n")
    from bed.process import wait_until
    wait_until("the download", lambda: ana.json("list")[0]["state"] == "done")
    place.stop()

    restored = Place(work / "restored", listen=place.listen)
    restored.run("restore", str(backup), input="a long passphrase\n")
    restored.start()
    try:
        held, = ana.json("list")
        ana.run("resume", job["id"])
        wait_until("the download", lambda: ana.json("list")[0]["state"] == "done")
    finally:
        restored.stop()

    assert (held["state"], held["reason"]) == ("held", "approval")


def test_check_finds_nothing_wrong_with_a_healthy_place(place):
    assert place.run("check").returncode == 0
    place.stop()
    assert place.run("check").returncode == 0


def test_pair_prints_one_line_and_draws_it_on_a_terminal_only(place):
    terminal, end = pty.openpty()
    with subprocess.Popen(place.command("pair", "ana"), stdout=subprocess.PIPE, stderr=end, text=True) as pairing:
        os.close(end)
        drawn = b""
        with contextlib.suppress(OSError):
            while piece := os.read(terminal, 4096):
                drawn += piece
        printed = pairing.stdout.read()
    os.close(terminal)
    quiet = place.run("pair", "ana")

    assert printed.count("\n") == 1 and printed.startswith(f"{place.url}/pair#k=")
    assert "\u2588" in drawn.decode()
    assert quiet.stdout.count("\n") == 1 and quiet.stderr == ""


def test_user_commands_work_with_and_without_a_running_server(place):
    for running in (True, False):
        if not running:
            place.stop()
        place.add_user(f"user-{running}".lower(), "--quota", "1G", "--lan")
        place.run("user", "passwd", f"user-{running}".lower(), "--password-stdin", input="another good password\n")
        assert f"user-{running}".lower() in place.run("user", "list").stdout
        place.run("user", "remove", f"user-{running}".lower())
        assert f"user-{running}".lower() not in place.run("user", "list").stdout


@pytest.mark.parametrize("name", ["", "Ana", "../x", "a b", "-x", "x" * 65, "a/b", "a\nb"])
def test_user_names_that_could_not_be_folders_are_refused(place, name):
    done = place.run("user", "add", "--password-stdin", "--", name, input="correct horse battery\n", check=False)

    assert done.returncode in (1, 2) and done.stderr
    assert len(list((place.data / "areas").glob("*"))) <= 1


def test_a_short_password_is_refused(place):
    done = place.run("user", "add", "bob", "--password-stdin", input="short\n", check=False)

    assert done.returncode == 1 and "password" in done.stderr


def test_the_data_folder_is_closed_to_others(place):
    assert place.data.stat().st_mode & 0o077 == 0
    for path in (place.data / "keys").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
