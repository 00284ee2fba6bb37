# SPDX-License-Identifier: Apache-2.0
"""What a worker that was taken over can say to the server: packets on its two channels that no honest worker sends. Each has its
honest twin, which must work, so that a lie is not refused for another reason than its being one."""
import dataclasses
import json
import struct
import typing

from cage.network import MSG_NOSIGNAL, address, ask_connector, connect_request, hop, resolve
from cage.program import THE_OUTPUT, Program
from cage.world import ATTACKER, CANARY, World

CHANNEL, CONNECTOR = 3, 4
EACCES = 13


@dataclasses.dataclass
class Lie:
    name: str
    what: str
    build: typing.Callable  # (program, world) -> check(visit, end) -> "" or what went wrong

    def tell(self, world: World) -> dict:
        program = Program()
        check = self.build(program, world)
        visit = world.meet(program, [])
        report = visit.report
        end = visit.leave()
        wrong = check(report, end)
        if not world.place.program.alive():
            wrong = "the server has ended"
        job = world.job("ana", visit.job)
        return {"what": self.what, "wrong": wrong, "end": end, "job": job["state"], "reason": job.get("reason"),
                "received_bytes": job.get("received_bytes", 0)}


LIES: list[Lie] = []


def lie(what: str):
    def add(build):
        LIES.append(Lie(build.__name__.replace("_", "-"), what, build))
        return build
    return add


def packet(kind: str, **members) -> bytes:
    return json.dumps({"type": kind, **members}).encode()


def say(p: Program, content: bytes, fd: int = CHANNEL):
    return p.attempt("sendto", fd, p.data(content), len(content), MSG_NOSIGNAL, 0, 0)


def killed_for(why: str):
    """The server ends the worker, and says why."""
    return lambda report, end: "" if "signal 9" in end and why in end else f"it ended with: {end}"


def waits(p: Program) -> None:
    """Lives on until the server ends it."""
    p.attempt("poll", 0, 0, 5000)


# ---- the worker's channel

def breaks(name: str, what: str, content: typing.Callable, why: str) -> None:
    def build(p: Program, w: World):
        say(p, content(w))
        waits(p)
        return killed_for(why)
    LIES.append(Lie(name, what, build))


breaks("not-json", "bytes that are no packet", lambda w: b"\xff\x00{", "not JSON")
breaks("unknown-type", "a packet of a kind that is not there", lambda w: packet("publish", name="../../bob/x"), "unknown type")
breaks("surplus-member", "a packet with a member too many", lambda w: w.say("progress", account=2), "unknown member")
breaks("negative", "a negative count of bytes", lambda w: w.say("progress", received_bytes=-1),
       "received_bytes")
breaks("deep", "JSON that nests deeper than anything", lambda w: b"[" * 60000, "not JSON")
breaks("huge", "a packet larger than allowed", lambda w: packet("ready", locks=["x" * 200_000]), "larger than allowed")
breaks("ready-again", "ready, a second time", lambda w: packet("ready", locks=["seccomp"]), "\"ready\"")
breaks("foreign-progress", "progress of another account's transfer", lambda w: w.say("progress", 1, received_bytes=1), "does not have")
breaks("foreign-end", "the end of another account's transfer", lambda w: w.say("finished", 1), "does not have")
breaks("foreign-resolve", "addresses for another account's transfer", lambda w: hop(1, 9, CANARY, 80), "does not have")
breaks("answer-to-nothing", "the answer to a small request that nobody made",
       lambda w: packet("answered", transfer=w.transfer_number(), answer={"status": 200, "body": ""}), "does not have")
breaks("too-many-bytes", "more bytes than the file has, at the end", lambda w: w.say("finished", received_bytes=1 << 50), "more bytes than")
breaks("progress-without-bytes", "more bytes than the file has, under way",
       lambda w: w.say("progress", received_bytes=1 << 50), "more bytes than")
breaks("hop-again", "a hop that was before", lambda w: hop(w.transfer_number(), 1, ATTACKER, w.attacker.port), "out of turn")
breaks("other-scheme", "a scheme for which more ports would be permitted",
       lambda w: hop(w.transfer_number(), 2, ATTACKER, 21, "ftp"), "out of turn")
breaks("other-part", "one more connection than it may have",
       lambda w: hop(w.transfer_number(), 2, ATTACKER, w.attacker.port, part=16), "out of turn")


@lie("two answers to one request")
def respond_twice(p, w):
    for _ in range(2):
        say(p, w.say("responded"))
    waits(p)
    return killed_for("answered twice")


@lie("a descriptor that nobody asked for")
def descriptor(p, w):
    payload = p.data(w.say("progress"))
    p.attempt("sendmsg", CHANNEL, p.message(payload, len(payload.content), 0), MSG_NOSIGNAL)
    waits(p)
    return killed_for("a descriptor")


@lie("packets without end")
def flood(p, w):
    content = p.data(w.say("progress"))
    p.attempt("@repeat", 50_000, CHANNEL, content, len(content.content))
    waits(p)
    return killed_for("floods")


@lie("bytes far behind the room that the place has")
def overdraw(p, w):
    p.call("pwrite64", THE_OUTPUT, p.data(b"x"), 1, 1 << 42)
    waits(p)

    def check(report, end):
        largest = max(path.stat().st_size for path in (w.place.data / "incoming").rglob("*") if path.is_file())
        return killed_for("wrote more than")(report, end) or ("" if largest < 1 << 20 else f"a file of {largest} bytes is left")
    return check


@lie("a name that leads into another account's area")
def traversal(p, w):
    p.call("pwrite64", THE_OUTPUT, p.data(b"x"), 1, 0)
    say(p, w.say("responded", name_hint="../../areas/bob/\x00\x1b[2J../../etc/cron.d/x"))
    say(p, w.say("finished", outcome="complete", received_bytes=1, name_hint="../../areas/bob/x"))

    def check(report, end):
        w.settle("ana")
        outside = [path for path in w.place.data.rglob("*") if path.is_file() and "bob" in path.parts]
        inside = [path for path in (w.place.data / "areas" / "ana").rglob("*") if path.is_file()]
        return "" if not outside and len(inside) == 1 else f"outside: {outside}; inside: {inside}"
    return check


@lie("words that would change a terminal or the log")
def log_words(p, w):
    line = b"\x1b[2J\r\nrestanted: all is well\x00\xff\n"
    p.attempt("write", 2, p.data(line), len(line))
    say(p, w.say("finished", outcome="failed", reason="not-found", message="\x1b[31mred\nline\u0000"))

    def check(report, end):
        raw = (w.place.folder / "restanted.1.log").read_bytes()
        return "" if b"\x1b" not in raw and b"\nrestanted: all is well" not in raw else "control characters are in the log"
    return check


# ---- the connector

def connector(name: str, what: str, ask: typing.Callable, allowed: bool = False) -> None:
    """A request to the connector; refused by EACCES, or, for a twin, answered with a socket that the canary sees."""
    def build(p: Program, w: World):
        w.tcp.visits()
        answer, fd = ask(p, w)

        def check(report, end):
            if report is None:
                return f"it ended with: {end}"
            error, = struct.unpack_from("<i", report.bytes(answer), 4)
            visits = w.tcp.visits()
            good = (error, visits > 0) == ((0, True) if allowed else (EACCES, False))
            return "" if good else f"errno {error}, {visits} visits at the canary"
        return check
    LIES.append(Lie(name, what, build))


def after_resolve(p, w, host, port, number=None):
    resolve(p, w, host, port)
    return ask_connector(p, number or w.transfer_number(), address(port, host))


connector("unresolved", "connect to a public address that no hop was asked for",
          lambda p, w: ask_connector(p, w.transfer_number(), address(w.tcp.port)))
connector("resolved", "twin: the same, as the next hop of a redirect", lambda p, w: after_resolve(p, w, CANARY, w.tcp.port), True)


def other_port(p, w):
    resolve(p, w, CANARY, w.closed_port)
    return ask_connector(p, w.transfer_number(), address(w.tcp.port))


connector("other-port", "connect to another port than the hop's", other_port)
connector("foreign-transfer", "connect in the name of another account's transfer",
          lambda p, w: ask_connector(p, 1, address(w.attacker.port, ATTACKER)))


def private(p, w):
    resolve(p, w, "127.0.0.1", w.loopback.port)
    return ask_connector(p, w.transfer_number(), address(w.loopback.port, "127.0.0.1"))


connector("private", "resolve and connect to this machine", private)


def earlier_hop(p, w):
    resolve(p, w, CANARY, w.tcp.port)
    resolve(p, w, ATTACKER, w.attacker.port, 3)
    return ask_connector(p, w.transfer_number(), address(w.tcp.port))


connector("earlier-hop", "connect to what an earlier hop was permitted", earlier_hop)


@lie("one redirect target after another")
def too_many_hosts(p, w):
    answers = [resolve(p, w, f"93.184.217.{i}", 80, 2 + i) for i in range(12)]

    def check(report, end):
        if report is None:
            return f"it ended with: {end}"
        permitted = [json.loads(report.bytes(one).rstrip(b"\0")) for one in answers]
        count = sum("refused" not in one for one in permitted)
        return "" if count == 10 and permitted[-1]["refused"]["reason"] == "redirect-loop" else f"{count} hosts were permitted"
    return check


@lie("a request to the connector of another size")
def short_request(p, w):
    say(p, b"short", CONNECTOR)
    byte = p.room(8)
    ended = p.attempt("recvfrom", CONNECTOR, byte, 8, 0, 0, 0)
    return lambda report, end: "" if report and report.result(ended) == 0 else f"it was answered; {end}"


@lie("an address of an odd family and length")
def odd_address(p, w):
    for family, length in ((1, 110), (17, 20), (2, 3), (10, 128), (2, 4096)):
        ask = p.data(connect_request(1, w.transfer_number(), family, length, struct.pack("<H", family)))
        p.attempt("sendto", CONNECTOR, ask, len(ask.content), MSG_NOSIGNAL, 0, 0)
    return lambda report, end: "" if report is not None else f"it ended with: {end}"
