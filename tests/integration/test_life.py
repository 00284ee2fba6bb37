# SPDX-License-Identifier: Apache-2.0
"""Time, pauses, restarts, kills: what a download lives through."""
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import termios
import time

import pytest
from bed.content import ContentServer, make_file
from bed.device import Device
from bed.place import Place
from bed.process import wait_until

SIZE = 6_000_000


def state(device, job):
    return next(entry for entry in device.json("list") if entry["id"] == job)


@pytest.fixture
def slow(work):
    """A content server that needs about three seconds for the file."""
    server = ContentServer(work / "slow", rate="2m").start()
    server.digest = make_file(server.root / "slow.bin", SIZE, 11)
    yield server
    server.stop()


def arriving(device, job, at_least=500_000):
    return wait_until("bytes to arrive", lambda: state(device, job)["received_bytes"] >= at_least and state(device, job))


def finished(device, job, seconds=40):
    return wait_until("the end", lambda: state(device, job)["state"] in ("done", "failed") and state(device, job), seconds)


def published_digest(place):
    return hashlib.sha256((place.data / "areas" / "ana" / "slow.bin").read_bytes()).hexdigest()


def bytes_sent(server):
    """Body bytes that the content server says it sent, over all its answers."""
    return sum(int(line.split('"')[2].split()[1]) for line in server.requests() if line.split('"')[2].split()[0] in ("200", "206"))


def test_a_timed_request_runs_at_its_time(publish, content, ana):
    url, _ = publish("x.bin")

    job, = ana.json("send", url, "--at", "+2s", "--no-probe")
    early = content.requests()
    end = finished(ana, job["id"])

    assert early == [] and end["state"] == "done"


def test_now_runs_a_scheduled_request_at_once(publish, ana):
    url, _ = publish("x.bin")
    job, = ana.json("send", url, "--at", "+1w")

    ana.run("now", job["id"])

    assert finished(ana, job["id"])["state"] == "done"


def test_the_place_keeps_the_time_over_a_restart(publish, place, ana):
    url, _ = publish("x.bin")
    job, = ana.json("send", url, "--at", "+2s", "--no-probe")

    place.stop()
    place.start()

    assert finished(ana, job["id"])["state"] == "done"


def test_pause_and_resume_fetch_nothing_twice(slow, place, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])

    paused, = ana.json("pause", job["id"])
    held = state(ana, job["id"])
    ana.run("resume", job["id"])
    end = finished(ana, job["id"])

    assert paused["state"] == "paused" and held["received_bytes"] < SIZE
    assert end["state"] == "done" and published_digest(place) == slow.digest
    assert bytes_sent(slow) <= SIZE + (3 << 20)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_transfer_goes_on_after_the_server_ended(slow, place, ana, how):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])

    if how == "SIGTERM":
        assert place.stop() == 0
    else:
        place.kill()
    place.start()
    end = finished(ana, job["id"])

    assert end["state"] == "done" and published_digest(place) == slow.digest
    assert any('" 206 ' in line for line in slow.requests()), "it began again instead of going on"


def test_workers_end_with_the_server_also_after_sigkill(slow, place, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])
    children = [int(pid) for pid in open(f"/proc/{place.program.pid}/task/{place.program.pid}/children").read().split()]

    place.kill()

    assert children, "no worker was there to end"
    wait_until("the workers' end", lambda: not any(_running(pid) for pid in children))
    place.start()


def test_the_worker_that_runs_is_caged(slow, place, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])

    workers = subprocess.run(["pgrep", "-P", str(place.program.pid)], capture_output=True, text=True, check=True).stdout.split()

    assert len(workers) == 1
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{workers[0]}/status").read().splitlines() if ":\t" in line)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0
    ana.run("cancel", job["id"])


def _running(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_worker_costs_nothing_but_a_resume(slow, place, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])
    children = open(f"/proc/{place.program.pid}/task/{place.program.pid}/children").read().split()

    for pid in children:
        os.kill(int(pid), signal.SIGKILL)
    end = finished(ana, job["id"])

    assert children and end["state"] == "done" and published_digest(place) == slow.digest


def test_cancel_stops_and_leaves_no_partial_file(slow, place, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])

    cancelled, = ana.json("cancel", job["id"])

    assert cancelled["state"] == "cancelled"
    wait_until("the partial file's end", lambda: not [p for p in (place.data / "incoming").rglob("*") if p.is_file()])
    assert ana.json("files") == []
    ana.run("resume", job["id"], check=1)


def test_a_failed_download_can_be_tried_again(content, ana):
    job, = ana.json("send", f"{content.url}/late.bin", "--wait", check=1)
    make_file(content.root / "late.bin", 1000, 1)

    ana.run("retry", job["id"])

    assert finished(ana, job["id"])["state"] == "done"


def test_a_server_that_is_down_is_tried_again_by_itself(content, ana):
    make_file(content.root / "x.bin", 1000, 1)
    content.stop()
    job, = ana.json("send", f"{content.url}/x.bin")
    waiting = wait_until("the first failure", lambda: state(ana, job["id"])["attempt"] >= 1
                         and state(ana, job["id"])["state"] == "waiting" and state(ana, job["id"]))

    content.start()

    assert waiting["reason"] == "unreachable" and "next_run" in waiting
    assert finished(ana, job["id"])["state"] == "done"


def test_one_attempt_means_no_retry(content, ana):
    content.stop()

    job, = ana.json("send", f"{content.url}/x.bin", "--max-attempts", "1", "--wait", check=1)

    assert (job["state"], job["reason"], job["attempt"]) == ("failed", "unreachable", 1)


def test_change_moves_the_time_and_the_name(publish, ana):
    url, _ = publish("x.bin")
    job, = ana.json("send", url, "--at", "+1w")

    ana.json("change", job["id"], "--name", "better.bin", "--folder", "kept", "--at", "+1s")

    assert finished(ana, job["id"])["state"] == "done"
    assert ana.json("files")[0]["name"] == "kept/better.bin"


def test_remove_takes_the_file_away(publish, place, ana):
    url, _ = publish("x.bin")
    ana.json("send", url, "--wait")

    ana.run("remove", "x.bin")

    assert ana.json("files") == [] and not (place.data / "areas" / "ana" / "x.bin").exists()
    ana.run("remove", "x.bin", check=1)


def test_a_file_that_is_still_arriving_is_listed_only_when_asked_for(slow, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])

    shown = ana.json("files", "--arriving")

    assert ana.json("files") == []
    assert shown[0]["job"] == job["id"] and 0 < shown[0]["received_bytes"] < SIZE
    ana.run("cancel", job["id"])


def test_show_counts_what_has_arrived_of_the_file_under_way(slow, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")
    arriving(ana, job["id"])

    shown, = ana.json("show", job["id"])

    file, = shown["files"]
    assert file["received_bytes"] == shown["received_bytes"] > 0
    ana.run("cancel", job["id"])
    why = ana.json("show", job["id"])[0]["why"]
    assert why.count("cancelled") == 1


def test_a_request_waits_in_the_outbox_while_the_place_is_down(publish, place, ana):
    url, _ = publish("x.bin")
    place.stop()

    ana.run("send", url, check=3)
    waiting = ana.run("outbox").stdout
    place.start()
    ana.run("outbox", "flush")

    assert waiting.strip()
    jobs = ana.json("list")
    assert len(jobs) == 1 and finished(ana, jobs[0]["id"])["state"] == "done"
    assert ana.run("outbox").stdout.strip() == ""


def test_the_next_command_sends_what_waits(publish, place, ana):
    first, _ = publish("1.bin")
    place.stop()
    ana.run("send", first, check=3)
    place.start()

    ana.run("list")

    assert [job["name"] for job in ana.json("list")] == ["1.bin"]


def test_what_was_accepted_survives_a_kill_at_once(publish, place, ana):
    urls = [publish(f"{n}.bin", 10, n)[0] for n in range(30)]

    accepted = ana.json("send", *urls, "--at", "+1w", "--no-probe")
    place.kill()
    place.start()

    assert {job["id"] for job in ana.json("list")} >= {job["id"] for job in accepted}
    assert len(accepted) == 30


def test_a_limited_rate_is_kept(publish, ana):
    url, _ = publish("x.bin", 3_000_000)

    begin = time.monotonic()
    ana.json("send", url, "--limit-rate", "1M", "--wait")

    assert time.monotonic() - begin > 1.5


def test_watch_prints_lines_until_the_end(slow, ana):
    job, = ana.json("send", f"{slow.url}/slow.bin")

    lines = ana.json("watch", job["id"])

    assert len(lines) > 2 and "done" in json.dumps(lines[-1])


def test_windows_hold_the_download_until_they_open(publish, content, ana):
    url, _ = publish("x.bin")
    now = time.gmtime(time.time() + 12 * 3600)
    window = f"{now.tm_hour:02}:00-{(now.tm_hour + 1) % 24:02}:00"

    job, = ana.json("send", url, "--window", window, "--tz", "UTC", "--no-probe")
    waiting = wait_until("the window's wait", lambda: state(ana, job["id"])["state"] == "waiting" and state(ana, job["id"]))

    assert waiting["waiting_for"] == "window" and content.requests() == []
    ana.run("now", job["id"])
    assert finished(ana, job["id"])["state"] == "done"


@pytest.mark.parametrize("ignored", [False, True], ids=["by hand", "by nohup"])
def test_a_server_started_by_hand_ends_with_its_terminal(work, ignored):
    place = Place(work / "place")
    master, slave = os.openpty()
    log = open(work / "restanted.1.log", "ab")

    def in_terminal():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)

    server = subprocess.Popen([str(part) for part in place.command("serve", "--listen", place.listen[0])], stdin=slave, stdout=log, stderr=log,
                              preexec_fn=in_terminal)
    os.close(slave)
    wait_until("the server", lambda: b"listening on" in (work / "restanted.1.log").read_bytes())

    os.close(master)

    if ignored:
        assert place.get("/healthz")[0] == 200
        server.terminate()
    assert server.wait(20) == 0
    assert b"stopping" in (work / "restanted.1.log").read_bytes()
