# SPDX-License-Identifier: Apache-2.0
"""The straight path: ask, hold, take."""
import hashlib
import re

import pytest


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_download_is_held_and_taken_after_the_content_server_stopped(publish, content, ana, work):
    url, digest = publish("film.bin", 3_000_000)

    job, = ana.json("send", url, "--wait")
    content.stop()
    ana.run("get", "film.bin", "-o", work / "film.bin")

    assert job["state"] == "done" and job["received_bytes"] == 3_000_000
    assert sha256(work / "film.bin") == digest


def test_send_prints_one_download_a_url_and_returns_before_it_is_done(publish, content, ana):
    urls = [publish(f"{n}.bin", seed=n)[0] for n in range(3)]

    jobs = ana.json("send", *urls, "--at", "+1h")

    assert [job["name"] for job in jobs] == ["0.bin", "1.bin", "2.bin"]
    assert {job["state"] for job in jobs} == {"scheduled"}
    for job in jobs:
        assert re.fullmatch(r"[0-9a-f]{32}", job["id"])
        assert job["plan"] == "on-time" and job["attempt"] == 0 and job["received_bytes"] == 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", job["next_run"])


def test_files_lists_size_instant_and_name_newest_first(publish, ana):
    for n in range(2):
        ana.json("send", publish(f"{n}.bin", 1000 + n, n)[0], "--wait")

    lines = ana.run("files").stdout.splitlines()
    entries = ana.json("files")

    assert [line.split("\t")[0] for line in lines] == ["1001", "1000"]
    assert [line.split("\t")[2] for line in lines] == ["1.bin", "0.bin"]
    assert [entry["name"] for entry in entries] == ["1.bin", "0.bin"]
    assert all(entry["verified"] is True and entry["flags"] == [] for entry in entries)


def test_published_files_are_real_files_in_the_area(publish, place, ana):
    url, digest = publish("song.ogg", 50_000)

    ana.json("send", url, "--folder", "music/live", "--wait")

    assert sha256(place.data / "areas" / "ana" / "music" / "live" / "song.ogg") == digest
    assert not list((place.data / "incoming").rglob("*.0"))


def test_the_same_name_twice_gets_a_number(publish, ana):
    url, _ = publish("a.tar.gz")

    for _ in range(2):
        ana.json("send", url, "--wait")

    assert {entry["name"] for entry in ana.json("files")} == {"a.tar.gz", "a (1).tar.gz"}


@pytest.mark.parametrize("given, published", [("../../etc/passwd", "passwd"), ("con.txt", None), ("ok name.bin", "ok name.bin")])
def test_names_from_people_go_through_the_same_cleaning(publish, place, ana, given, published):
    url, _ = publish("x.bin")

    done = ana.run("--json", "send", url, "--name", given, "--wait", check=False)

    names = [entry["name"] for entry in ana.json("files")]
    if done.returncode == 0:
        assert len(names) == 1 and "/" not in names[0] and (published is None or names[0] == published)
        assert names[0].split(".")[0].lower() != "con"
    else:
        assert names == [] and '"pointer"' in done.stdout
    area = place.data / "areas" / "ana"
    assert all(path.parent == area for path in area.rglob("*"))


def test_a_digest_is_checked_before_anything_is_published(publish, ana):
    url, digest = publish("x.bin")

    right, = ana.json("send", url, "--checksum", f"sha-256={digest}", "--wait")
    wrong, = ana.json("send", url, "--checksum", f"sha-256={'0' * 64}", "--wait", check=1)

    assert right["state"] == "done"
    assert (wrong["state"], wrong["reason"]) == ("failed", "digest-mismatch")
    assert len(ana.json("files")) == 1
    assert ana.json("files")[0]["sha256"] == digest


def test_get_refuses_an_existing_path_unless_forced(publish, ana, work):
    url, digest = publish("x.bin")
    ana.json("send", url, "--wait")
    target = work / "x.bin"
    target.write_text("mine")

    refused = ana.run("get", "x.bin", "-o", target, check=1)
    kept = target.read_text()
    ana.run("get", "x.bin", "-o", target, "-f")

    assert kept == "mine" and "-f" in refused.stderr
    assert sha256(target) == digest


def test_show_tells_the_history_and_why(publish, ana):
    job, = ana.json("send", publish("x.bin")[0], "--wait")

    shown, = ana.json("show", job["id"])

    assert [row["to"] for row in shown["history"]][-1] == "done"
    assert "from" not in shown["history"][0]
    assert shown["why"] and "\n" not in shown["why"]
    assert [file["state"] for file in shown["files"]] == ["done"]


def test_an_empty_file_is_a_success_only_when_allowed(content, ana):
    (content.root / "empty").write_bytes(b"")

    refused, = ana.json("send", f"{content.url}/empty", "--wait", check=1)
    allowed, = ana.json("send", f"{content.url}/empty", "--allow-empty", "--wait")

    assert refused["reason"] == "empty-result"
    assert allowed["state"] == "done"


def test_a_missing_file_fails_with_its_reason_and_exit_1(content, ana):
    job, = ana.json("send", f"{content.url}/nothing", "--wait", check=1)

    assert (job["state"], job["reason"]) == ("failed", "not-found")
    assert ana.json("files") == []


def test_a_mirror_serves_when_the_first_source_is_gone(publish, content, ana):
    url, digest = publish("x.bin")

    job, = ana.json("send", f"{content.url}/gone/x.bin", "--mirror", url, "--wait")

    assert job["state"] == "done"
    assert ana.json("files")[0]["size_bytes"] == 300_000


def test_a_file_over_the_limit_is_refused_before_its_body(publish, content, ana):
    url, _ = publish("big.bin", 5_000_000)

    job, = ana.json("send", url, "--max-size", "1M", "--wait", check=1)

    assert (job["state"], job["reason"]) == ("failed", "too-large")


def test_look_first_tells_name_size_type_and_whether_it_can_be_resumed(publish, content, ana):
    url, _ = publish("film.bin", 123_456)
    (content.root / "page.html").write_text("<html>hello</html>")

    job, = ana.json("send", url, "--at", "+1h")
    page = ana.run("--json", "send", f"{content.url}/page.html?x=1", "--at", "+1h")

    assert job["probe"]["size_bytes"] == 123_456 and job["probe"]["resumable"] is True
    assert job["probe"]["name"] == "film.bin" and job["size_bytes"] == 123_456
    assert "web page" in page.stderr
    assert len([line for line in content.requests() if "film.bin" in line]) == 1


def test_no_probe_asks_the_content_server_nothing(publish, content, ana):
    url, _ = publish("once.bin")

    ana.json("send", url, "--at", "+1h", "--no-probe")

    assert not [line for line in content.requests() if "once.bin" in line]
