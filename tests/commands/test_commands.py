# SPDX-License-Identifier: Apache-2.0
"""The command line as people and scripts use it, against the real place: what the other tests of it leave out."""
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import threading

import pytest

from bed import BIN, ROOT
from bed.process import wait_until

ESCAPE = "\x1b"


def start(device, *arguments, **options):
    return subprocess.Popen(device.command(*arguments), env=device.environment(), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def on_a_terminal(device, *arguments) -> tuple[int, str]:
    """Runs a command with a terminal as its three streams: (exit status, everything it wrote)."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(device.environment())
        command = device.command(*arguments)
        os.execv(command[0], command)
    output = b""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            output += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output.decode()


class Swallower:
    """Stands at the place's address, hands each request on to `behind` (if given), and answers nothing."""

    def __init__(self, address: str, behind=None):
        host, port = address.rsplit(":", 1)
        self.behind, self.seen = behind, threading.Event()
        self.listener = socket.create_server((host, int(port)))
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536)
                head, body = request.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"content-length: (\d+)", head.lower()).group(1))
                while len(body) < length:
                    body += connection.recv(65536)
                self.seen.set()
                if self.behind:
                    self.behind(head, body)
                else:
                    connection.recv(1)  # until the client has gone

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def test_global_options_stand_before_or_after_the_command(publish, ana):
    ana.run("send", publish("x.bin")[0], "--wait")

    before, after = ana.run("--json", "files").stdout, ana.run("files", "--json").stdout

    assert before == after and before.startswith("{")
    assert ana.run("--quiet", "send", publish("y.bin")[0], "--at", "+1h").stderr == ""


def test_the_first_digits_of_an_id_are_enough(publish, ana):
    job, = ana.json("send", publish("x.bin")[0], "--at", "+1h")

    shown, = ana.json("show", job["id"][:8])
    unknown = ana.run("show", "0" * 8 if not job["id"].startswith("0" * 8) else "1" * 8, check=1)

    assert shown["id"] == job["id"]
    assert "restante list" in unknown.stderr
    assert job["id"][:8] in ana.run("list").stdout


@pytest.mark.parametrize("option", [["--budget", "5 EUR"], ["--code", "x.js"], ["--notify", "a@b"]])
def test_options_of_later_versions_are_unknown(ana, option):
    done = ana.run("send", "http://127.0.0.1/x", *option, check=2)

    assert option[0] in done.stderr and done.stdout == ""


def test_a_repetition_gives_one_download_after_another(publish, ana):
    url, _ = publish("list.csv")

    job, = ana.json("send", url, "--every", "day", "--name", "daily list.csv", "--wait")
    coming, = [one for one in ana.json("list") if one["name"] == "daily list.csv" and one["state"] == "scheduled"]

    assert job["state"] == "done" and job["when"]["repeat"] == coming["when"]["repeat"] == "FREQ=DAILY"
    assert job["occurrence"] < coming["occurrence"] == coming["next_run"]
    assert "repeats  every day" in ana.run("show", coming["id"]).stdout
    ana.run("now", coming["id"])
    again, = [one for one in ana.json("list") if one["name"] == "daily list.csv" and one["state"] == "scheduled"]
    assert again["occurrence"] > coming["occurrence"]
    ana.run("watch", coming["id"])
    assert f"daily list {coming['occurrence'][:10]}.csv" in ana.run("files").stdout
    ana.run("cancel", again["id"])
    assert not [one for one in ana.json("list") if one["name"].startswith("daily list") and one["state"] == "scheduled"]


def test_bad_values_send_nothing(publish, ana):
    url, _ = publish("x.bin")
    for wrong in (["--at", "whenever"], ["--window", "night"], ["--checksum", "sha-256=ab"], ["--limit-rate", "fast"],
                  ["--header", "nothing"], ["--tz", "Mars/Base"], ["--keep", "long"], ["--max-attempts", "0"],
                  ["--cookies", "/nowhere"], ["--user", "ana"]):
        assert ana.run("send", url, *wrong, check=2).stderr.count("\n") == 1

    assert ana.json("list") == [] and ana.json("outbox") == []


def test_one_wrong_url_of_several_sends_none(publish, ana):
    ana.run("send", publish("x.bin")[0], "javascript:1", check=1)

    assert ana.json("list") == []


def test_options_of_one_file_refuse_several_urls(publish, ana):
    urls = [publish(f"{n}.bin")[0] for n in range(2)]

    assert "--name" in ana.run("send", *urls, "--name", "x", check=2).stderr


def test_strict_takes_a_hopeless_request_back(publish, ana):
    url, _ = publish("x.bin", 3_000_000)

    refused = ana.run("send", url, "--strict", "--at", "+1h", "--by", "+30m", check=1)
    told = ana.run("--json", "send", url, "--at", "+1h", "--by", "+30m")

    assert "--by" in refused.stderr
    assert '"plan":"cannot"' in told.stdout and "cannot be done in time" in told.stderr
    assert sorted(job["state"] for job in ana.json("list")) == ["cancelled", "scheduled"]


def test_times_are_told_in_both_zones_where_they_differ(publish, ana):
    ana_abroad = dict(ana.environment(), TZ="Asia/Tokyo")

    done = subprocess.run(ana.command("send", publish("x.bin")[0], "--at", "2030-01-01T00:00:00Z"), env=ana_abroad, text=True,
                          capture_output=True, check=True)

    assert "2030-01-01 09:00 Asia/Tokyo" in done.stderr and "2030-01-01 00:00 UTC" in done.stderr


def test_a_request_survives_a_kill_while_it_is_sent(publish, place, ana):
    url, _ = publish("x.bin")
    place.stop()
    swallower = Swallower(place.listen[0])
    sending = start(ana, "send", url)

    swallower.seen.wait(20)
    sending.kill()
    sending.communicate()
    swallower.close()
    place.start()
    ana.run("list")

    assert [job["name"] for job in ana.json("list")] == ["x.bin"]
    assert ana.json("outbox") == []


def test_a_lost_answer_does_not_download_twice(publish, place, ana, work):
    """The place accepts, and the line is cut before the device hears of it."""
    url, _ = publish("x.bin")
    address = place.listen[0]
    place.stop()
    documents = []
    swallower = Swallower(address, lambda head, body: documents.append(body))
    ana.run("send", url, check=3)
    swallower.close()
    place.start()
    status, _, _ = place.get("/v1/proxies", ana.token(), "POST", documents[0], {"Content-Type": "application/jose"})

    ana.run("outbox", "flush")

    assert status == 202
    assert len(ana.json("list")) == 1 and ana.json("outbox") == []


def test_what_waits_can_be_dropped(publish, place, ana):
    place.stop()
    ana.run("send", publish("x.bin")[0], check=3)
    waiting, = ana.json("outbox", "list")

    ana.run("outbox", "drop", waiting["id"])
    unknown = ana.run("outbox", "drop", waiting["id"], check=1)
    place.start()
    ana.run("list")

    assert waiting["requests"] == 1 and "outbox list" in unknown.stderr
    assert ana.json("list") == []


def test_many_commands_at_a_time_share_one_home(publish, place, ana):
    urls = [publish(f"{n}.bin", 100, n)[0] for n in range(8)]
    place.stop()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        down = list(pool.map(lambda url: ana.run("send", url, check=False).returncode, urls[:4]))
    place.start()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        up = list(pool.map(lambda url: ana.run("send", url, check=False).returncode, urls[4:]))
    ana.run("outbox", "flush")

    assert down == [3] * 4 and up == [0] * 4
    assert sorted(job["name"] for job in ana.json("list")) == [f"{n}.bin" for n in range(8)]
    assert ana.json("outbox") == []


def test_interrupting_wait_cancels_nothing(publish, ana):
    url, _ = publish("x.bin", 2_000_000)
    waiting = start(ana, "send", url, "--limit-rate", "300k", "--wait")
    wait_until("the request", lambda: ana.json("list"))

    waiting.send_signal(signal.SIGINT)
    waiting.communicate()

    job, = ana.json("list")
    assert waiting.returncode != 0 and job["state"] not in ("cancelled", "failed")
    ana.run("watch", job["id"])
    assert ana.json("list")[0]["state"] == "done"


def test_watch_goes_on_over_a_restart_of_the_place(publish, place, ana):
    job, = ana.json("send", publish("x.bin")[0], "--at", "+6s")
    watching = start(ana, "watch", job["id"][:8])
    wait_until("the first line", lambda: watching.stdout.readline())

    place.stop()
    place.start()
    out, err = watching.communicate(timeout=60)

    assert watching.returncode == 0, err
    assert "done" in out.splitlines()[-1] and "trying again" in err


def test_watch_says_how_it_ended(content, ana):
    job, = ana.json("send", f"{content.url}/missing", "--max-attempts", "1", "--no-probe")

    done = ana.run("watch", job["id"], check=1)

    assert "failed" in done.stdout.splitlines()[-1]
    ana.run("watch")  # nothing is under way


def test_without_a_terminal_there_is_nothing_but_text(publish, ana):
    url, _ = publish("x.bin", 2_000_000)

    sent = ana.run("send", url, "--wait", "--limit-rate", "1M")
    taken = ana.run("get", "x.bin")

    for text in (sent.stdout, sent.stderr, taken.stdout, taken.stderr):
        assert ESCAPE not in text and "\r" not in text
    assert taken.stdout == "x.bin\n"


def test_on_a_terminal_there_are_bars(publish, ana):
    url, _ = publish("x.bin", 3_000_000)

    status, shown = on_a_terminal(ana, "send", url, "--wait", "--limit-rate", "1M")

    assert status == 0 and "[####" in shown and "done" in shown
    long = [line for line in re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", shown).replace("\r", "\n").split("\n") if len(line) >= 80]
    assert long == []


def test_get_goes_on_where_it_stopped(publish, place, ana, work):
    url, digest = publish("x.bin", 2_000_000)
    job, = ana.json("send", url, "--wait")
    file, = ana.json("files")
    _, headers, body = place.get(f"/v1/files/{file['id']}", ana.token())
    (work / "x.bin.part").write_bytes(body[:1_500_000])
    (work / "x.bin.part.etag").write_text(headers["ETag"])

    taken, = ana.json("get", "x.bin", "-o", work / "x.bin")

    assert taken["resumed_at"] == 1_500_000 and taken["verified"] is True and taken["sha256"] == digest
    assert hashlib.sha256((work / "x.bin").read_bytes()).hexdigest() == digest
    assert not list(work.glob("x.bin.*"))


def test_get_writes_to_a_folder_or_to_stdout(publish, ana, work):
    url, digest = publish("x.bin", 100_000)
    ana.json("send", url, "--folder", "a/b", "--wait")

    ana.run("get", "a/b/x.bin", "-o", f"{work}/new/folder/")
    piped = subprocess.run(ana.command("get", "a/b/x.bin", "-o", "-"), env=ana.environment(), capture_output=True, check=True)

    assert hashlib.sha256((work / "new" / "folder" / "x.bin").read_bytes()).hexdigest() == digest
    assert hashlib.sha256(piped.stdout).hexdigest() == digest


def test_get_takes_exact_names_only(publish, ana):
    ana.json("send", publish("x.bin")[0], "--wait")

    done = ana.run("get", "x", check=1)

    assert "restante files" in done.stderr
    assert not list(ana.home.glob("x*"))


def test_a_place_can_be_removed_and_its_access_ends(place, ana):
    token = ana.token()

    ana.run("place", "remove", "home")

    assert place.get("/v1/jobs", token)[0] == 401
    assert ana.json("place", "list") == []
    assert "restanted pair" in ana.run("list", check=1).stderr


def test_a_place_with_unsent_requests_is_not_removed(publish, place, ana):
    place.stop()
    ana.run("send", publish("x.bin")[0], check=3)

    refused = ana.run("place", "remove", "home", check=1)

    assert "outbox" in refused.stderr and len(ana.json("place", "list")) == 1


def test_a_start_in_the_past_is_told(publish, ana):
    url, _ = publish("x.bin")

    past = ana.run("send", url, "--at", "2020-02-03T04:05:06Z", "--no-probe")
    soon = ana.run("send", url, "--at", "+1h", "--no-probe")

    assert "2020-02-03" in past.stderr and "has passed: it starts as soon as it may" in past.stderr
    assert "has passed" not in soon.stderr


def test_a_command_that_is_not_there_is_answered_with_those_that_are(place):
    for words, commands in ((["frob"], "serve, user, setup, pair, invite"), ([], "serve, user, setup, pair, invite"), (["user", "frob"], "add, list, change, passwd")):
        done = place.run(*words, check=False)
        assert done.returncode == 2 and commands in done.stderr, done.stderr
        assert "there is no command frob" in done.stderr if words else "a command is missing" in done.stderr


def test_every_option_is_in_the_guide_and_nothing_else(work):
    """docs/commands.md has a section for each command, with exactly the options that --help has."""
    binary = str(BIN / "restante")
    guide = (ROOT / "docs" / "commands.md").read_text()
    sections = dict(re.findall(r"^## `restante ([^`]*)`\n(.*?)(?=^## |\Z)", guide, re.M | re.S))

    def help_of(*words):
        return subprocess.run([binary, *words, "--help"], capture_output=True, text=True, check=True).stdout

    def subcommands(text):
        return re.findall(r"^  ([a-z]+) {2,}", text.split("Subcommands:")[1], re.M) if "Subcommands:" in text else []

    commands = []
    for first in subcommands(help_of()):
        commands += [(first, second) for second in subcommands(help_of(first))] or [(first,)]
    assert len(commands) > 15
    wanted = {" ".join(words): set(re.findall(r"--[a-z-]+", help_of(*words).split("\nTimes:")[0])) - {"--help"} for words in commands}
    told = {}
    for heading, body in sections.items():
        name = re.match(r"[a-z ]*[a-z]", heading).group()
        described = [line.split("` ")[0] for line in body.splitlines() if line.startswith("- `-")]
        told[name] = {option for line in described for option in re.findall(r"--[a-z-]+", line)}
    assert told == wanted
