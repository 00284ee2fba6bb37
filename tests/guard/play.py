#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The address guard of the real server against a hostile internet: play.py [--scale X] [--seed N] [--json FILE] [--soak].

The same requests go to the product, then to the server with each layer of its guard taken away, then to one without any.
Product and single layers must touch nothing forbidden; without layers every case must be counted, or the counting is broken.
"""
import argparse
import collections
import dataclasses
import datetime
import ipaddress
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from bed import ROOT, namespaces  # noqa: E402
from bed.device import Device  # noqa: E402
from bed.place import Place  # noqa: E402
from bed.process import BedError, wait_until  # noqa: E402
from guard import cases as catalogue  # noqa: E402
from guard import hooks as contacts  # noqa: E402
from guard import readers  # noqa: E402
from guard import world as outside  # noqa: E402

API_PORT, MARK_PORT, PROXY_PORT = 900, 901, 902  # below the ports of cases and of the kernel
LATER_SECONDS, NEVER_SECONDS, BATCH, LOOKS = 3600, 80000, 500, 50
CONFIG = """[limits]
submit_per_minute = 100000
running_at_once = 120
running_per_account = 60
running_per_origin = 60
"""
LAYERS = {"none": "both layers", "names": "layer 2 alone", "sockets": "layer 1 alone", "both": "no layer"}  # by what is taken away
BY_A_LAYER = "is refused: "  # what the judge says; a reader of URLs says other things


class Guarded(Place):
    """The product, or the same server without layers of its guard."""

    def __init__(self, folder: pathlib.Path, without: str, ca: pathlib.Path):
        super().__init__(folder, CONFIG, [f"127.0.0.1:{API_PORT}"])
        self.without = without
        self.config.write_text(f'{CONFIG}[worker]\nprogram = "{self.binaries / "restante-transfer"}"\nca_bundle = "{ca}"\n')

    def command(self, *arguments) -> list:
        if self.without == "none" or "serve" not in arguments:
            return super().command(*arguments)
        return [self.binaries / "tests" / "guard_server", self.without, "--config", self.config, "--data", self.data, *arguments]


@dataclasses.dataclass
class Outcome:
    reason: str  # "done", a reason, or "submit:REASON"
    message: str
    job: str = ""


class Run:
    """One server and what became of each case."""

    def __init__(self, world, folder: pathlib.Path, library: pathlib.Path, without: str, ca: pathlib.Path):
        self.world, self.without = world, without
        self.connects_log = folder / "connects"
        self.place = Guarded(folder / "place", without, ca)
        proxy = {name: f"http://10.66.6.6:{PROXY_PORT}" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
        self.place.start(env={"LD_PRELOAD": str(library), "CONNECTS_LOG": str(self.connects_log), **proxy})
        self.devices, self.tokens = {}, {}
        for user, options in (("ana", []), ("lan", ["--lan"])):
            self.place.add_user(user, *options)
            self.devices[user] = Device(folder / user)
            self.devices[user].connect("home", self.place.pair(user))
            self.tokens[user] = self.devices[user].token()
        known = json.loads(self.place.get("/.well-known/restante")[2])
        self.aud, self.now = [{"jkt": known["jkt"]}], known["time"]["now"]
        self.outcomes: dict[int, Outcome] = {}
        self.job_of: dict[str, int] = {}

    def document(self, case) -> dict:
        start = outside.soon(NEVER_SECONDS if case.looked else LATER_SECONDS)
        access = {"id": "grant", "kind": "oauth", "scope": ["/".join(case.url.split("/")[:3])], "token_endpoint": case.grant,
                  "client_id": "guard", "refresh_token": "again"}
        return {"v": 1, "id": str(uuid.uuid4()), "aud": self.aud, "iat": self.now, "exp": self.now + 86400, "probe": case.later or case.looked,
                "what": {"files": [{"name": f"c{case.port}", "size": outside.BODY_BYTES,
                                    "sources": [{"url": url, **({"cred": ["grant"]} if case.grant else {})} for url in (case.url, *case.mirrors)]}]},
                **({"access": [access]} if case.grant else {}),
                "limits": {"attempts": 1 + len(case.mirrors)}, **({"when": {"start": start}} if case.later or case.looked else {})}

    def submit(self, cases: list) -> None:
        for user, token in self.tokens.items():
            mine = [case for case in cases if case.user == user]
            for at in range(0, len(mine), BATCH):
                part = mine[at:at + BATCH]
                body = "\n".join(json.dumps(self.document(case)) for case in part)
                status, _, answer = self.place.get("/v1/proxies", token, "POST", body.encode(), {"Content-Type": "application/jsonl"})
                lines = answer.splitlines()
                if status != 200 or len(lines) != len(part):
                    raise BedError(f"a batch of {len(part)} was answered {status} with {len(lines)} lines")
                for case, line in zip(part, map(json.loads, lines)):
                    if line["status"] == "accepted":
                        self.job_of[line["job"]["id"]] = case.port
                    else:
                        self.outcomes[case.port] = Outcome("submit:" + line["error"]["reason"], line["error"]["message"])

    def jobs(self, user: str, states: str):
        path = f"/v1/jobs?limit=1000&state={states}"
        while path:
            status, headers, page = self.place.get(path, self.tokens[user])
            if status != 200:
                raise BedError(f"the list of jobs was answered {status}")
            yield from json.loads(page)
            link = headers.get("Link", "")
            path = link.split(">")[0].lstrip("<") if 'rel="next"' in link else None

    def under_way(self, delayed) -> bool:
        """Something runs, or is about to: what was delayed and is to begin in a second."""
        return any(next(self.jobs(user, "waiting,running,verifying,publishing"), None) or
                   any(self.job_of.get(job["id"]) in delayed for job in self.jobs(user, "scheduled")) for user in self.tokens)

    def submit_and_look(self, cases: list) -> None:
        """One by one, because the server looks first at what comes alone; a few at a time, as many as it looks at."""
        for at in range(0, len(cases), LOOKS):
            waiting = set()
            for case in cases[at:at + LOOKS]:
                status, _, answer = self.place.get("/v1/proxies", self.tokens[case.user], "POST", json.dumps(self.document(case)).encode(),
                                                   {"Content-Type": "application/json"})
                if status != 202:
                    raise BedError(f"{case.url} was answered {status}: {answer!r}")
                job = json.loads(answer)["id"]
                self.job_of[job] = case.port
                waiting.add(job)
            wait_until("the looks", lambda: waiting.issubset(
                job["id"] for user in self.tokens for job in self.jobs(user, "scheduled,failed") if "probe" in job), 120, 0.2)

    def run_later(self, ports: dict[int, str]) -> None:
        """By hand, at another start time, or under the new link that the port has: a request may be changed before it runs."""
        for number, (job, port) in enumerate((job, port) for job, port in self.job_of.items() if port in ports):
            token, refresh = self.tokens["ana"], ports[port]
            if number % 2 and not refresh:
                status, _, answer = self.place.get(f"/v1/jobs/{job}:now", token, "POST", b"", {"Content-Type": "application/json"})
            else:
                etag = self.place.get(f"/v1/jobs/{job}", token)[1]["ETag"]
                links = {"sources": [{"url": refresh}]} if refresh else {"folder": "changed"}
                change = json.dumps({"when": {"start": outside.soon(1)}, **links}).encode()
                status, _, answer = self.place.get(f"/v1/jobs/{job}", token, "PATCH", change,
                                                   {"Content-Type": "application/merge-patch+json", "If-Match": etag})
            if status != 200:
                raise BedError(f"a request could not be changed: {status} {answer!r}")

    def finish(self, looked: set[int], delayed, seconds: float) -> None:
        wait_until("the end of all requests", lambda: not self.under_way(delayed), seconds, 0.3)
        for user in self.tokens:
            for job in self.jobs(user, "scheduled,waiting,done,failed,held,cancelled,expired,paused"):
                port = self.job_of.get(job["id"])
                if port in looked:
                    self.outcomes[port] = Outcome(job["probe"].get("refused", "done"), job["probe"].get("message", ""), job["id"])
                elif port is not None:
                    reason = "done" if job["state"] == "done" else job.get("reason", job["state"])
                    self.outcomes[port] = Outcome(reason, job.get("message", ""), job["id"])

    def shown(self, port: int) -> str:
        """All that a person is told of a request, without what differs between any two."""
        outcome, user = self.outcomes[port], "ana"
        detail = json.loads(self.place.get(f"/v1/jobs/{outcome.job}", self.tokens[user])[2])

        def plain(value):
            if isinstance(value, dict):
                return {name: plain(part) for name, part in value.items() if name not in ("id", "proxy", "created", "at", "started", "ended", "next_run", "plan")}
            return [plain(part) for part in value] if isinstance(value, list) else value
        return json.dumps(plain(detail), sort_keys=True).replace(str(port), "PORT").replace(outcome.job, "JOB")

    def took(self, port: int) -> float:
        """Seconds from the start of the attempt to its end."""
        history = json.loads(self.place.get(f"/v1/jobs/{self.outcomes[port].job}", self.tokens["ana"])[2])["history"]
        instants = [datetime.datetime.fromisoformat(change["at"].replace("Z", "+00:00")) for change in history[-2:]]
        return (instants[-1] - instants[0]).total_seconds()

    def stop(self) -> None:
        self.place.stop()
        self.world.settle(MARK_PORT)


def touched(world, run: Run, cases: list) -> tuple[dict[int, set], dict[int, set]]:
    """Forbidden addresses by case: in packets, and asked of the kernel."""
    connects = outside.read_connects(run.connects_log)
    packets = {case.port: world.sniffer.seen[case.port] - case.allowed for case in cases}
    asked = {case.port: connects.get(case.port, set()) - case.allowed for case in cases}
    elsewhere = {path.rsplit("/", 1)[1]: address for address, _, path in world.site.requests if path.startswith("/ok/")}
    for case in cases:
        if not case.twin_at and str(case.port) in elsewhere:
            packets[case.port] = packets[case.port] | {elsewhere[str(case.port)]}
    return packets, asked


def play(world, work: pathlib.Path, library, without: str, cases: list, later: dict, hooks, check=None) -> tuple[Run, dict, dict]:
    for part in (world.sniffer.seen, world.site.requests, world.sniffer.datagrams, world.names.asked, world.names.given):
        part.clear()
    world.sniffer.dropped()
    later["now"] = False
    begin = time.monotonic()
    run = Run(world, work / without, library, without, hooks.ca)
    try:
        run.submit_and_look([case for case in cases if case.later or case.looked])
        run.submit([case for case in cases if not case.later and not case.looked])
        delayed = {case.port: case.refresh for case in cases if case.later}
        looked = {case.port for case in cases if case.looked}
        if delayed:
            later["now"] = True
            run.run_later(delayed)
        run.finish(looked, delayed, 600)
        run.hook_faults = hooks.play(run.place)
        if check:
            check(run)
    finally:
        run.stop()
    if world.sniffer.dropped():
        raise BedError("the sniffer lost packets: nothing is proven")
    if world.sniffer.seen[PROXY_PORT]:
        raise BedError("a proxy of the environment was used")
    if any(to != outside.NAMES for to, _ in world.sniffer.datagrams):
        raise BedError(f"datagrams went to {world.sniffer.datagrams}")
    packets, asked = touched(world, run, cases)
    print(f"{LAYERS[without]:14} {len(cases):6} cases in {time.monotonic() - begin:5.1f} s: "
          f"{sum(map(bool, packets.values()))} seen in packets, {sum(map(bool, asked.values()))} asked of the kernel", flush=True)
    return run, packets, asked


def wrong_outcomes(world, run: Run, cases: list) -> list[str]:
    """What was answered otherwise than it should be."""
    found = []
    arrived = {path: address for address, _, path in world.site.requests}
    for case in cases:
        outcome = run.outcomes.get(case.port)
        if outcome is None:
            found.append(f"{case.form}: {case.url!r} has no outcome")
        elif outcome.reason.removeprefix("submit:") not in case.reasons:
            found.append(f"{case.attack} {case.form}: {case.url!r} ended as {outcome.reason}: {outcome.message}")
        elif outcome.reason not in ("done", "unreachable") and not all(f"http://{host}" in outcome.message for host in case.hops):
            found.append(f"{case.attack} {case.form}: {case.url!r} does not tell the way there: {outcome.message}")
        if case.twin_at and case.attack != "A11":
            at = arrived.get(f"/ok/{case.port}")
            if (outcome and outcome.reason == "done") != (at is not None) or (at is not None and at not in case.twin_at):
                found.append(f"{case.attack} {case.form}: {case.url!r} was fetched from {at}, not {set(case.twin_at)}")
    return found


def misled(world, cases: list) -> list[str]:
    """Connections to other addresses than those that were vetted."""
    found = []
    for address, host, path in world.site.requests:
        if not led_there(world, host, address):
            found.append(f"{path!r} was asked of {address}, which the host {host!r} does not lead to")
    strange = world.sniffer.seen[outside.SITE_PORT] - vetted(world, cases)
    return found + [f"connected {address}, which nobody named" for address in strange]


def vetted(world, cases: list) -> set[str]:
    """All addresses that stood in a URL, as libcurl alone reads it, or came from the name server."""
    curl = readers.Curl()
    targets = [url for case in cases for url in (case.url, case.refresh, case.grant, *case.mirrors) if url]
    for plan in world.site.plans.values():
        targets += [target if ":" in target.split("/")[0] else f"http:{target}" for _, target in plan]
    written = {curl.host(target) for target in targets}
    given = {address for addresses in world.names.given.values() for address in addresses}
    carried = {str(four) for address in given if ":" in address and (four := ipaddress.IPv6Address(address).ipv4_mapped)}
    return written | given | carried | {address for case in cases for address in case.twin_at}


def led_there(world, host: str, address: str) -> bool:
    """Whether the host of a request leads to the address that was connected, by what the name server said."""
    name = urllib.parse.urlsplit("//" + host).hostname or ""
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(address)
    except ValueError:
        given = world.names.given.get(name.rstrip("."), [])
        return any(address in (one, str(getattr(ipaddress.ip_address(one), "ipv4_mapped", None))) for one in given)


def told_apart(run: Run, cases: list) -> tuple[list[str], dict]:
    """A10: pairs of the same address that the answers tell apart; medians of the seconds that each half took."""
    halves = [[case for case in cases if case.attack == "A10" and case.listening is listening] for listening in (True, False)]
    found = [f"A10: {one.url} and {other.url} are told apart: {run.shown(one.port)} {run.shown(other.port)}"
             for one, other in zip(*halves) if run.shown(one.port) != run.shown(other.port)]
    return found, {name: statistics.median(run.took(case.port) for case in half) for name, half in zip(("listening", "closed"), halves)}


def play_all(work: pathlib.Path, seed: int, scale: float) -> dict:
    world = outside.World(work)
    library = outside.preload(work)
    built = catalogue.Catalogue(world, seed, scale)
    cases = built.build()
    hooks = contacts.Hooks(world, work, built)
    faults: list[str] = []

    for case in cases:
        if case.listening:
            world.listen(case.port)
    apart: list = []
    product, packets, asked = play(world, work, library, "none", cases, built.later, hooks, lambda run: apart.extend(told_apart(run, cases)))
    world.fall_silent()
    faults += apart[0] + product.hook_faults
    told = {"both layers": hooks.touched(world.sniffer.seen, outside.read_connects(product.connects_log))}
    faults += [f"both layers: {url} was told" for url in told["both layers"]]
    faults += wrong_outcomes(world, product, cases) + misled(world, cases)
    faults += [f"both layers: {case.attack} {case.form} {case.url!r} touched {packets[case.port] | asked[case.port]}"
               for case in cases if packets[case.port] or asked[case.port]]
    # Only what a layer refused says something about the layers; what no reader understands is counted apart.
    judged = [case for case in cases if case.counted and
              (BY_A_LAYER in product.outcomes[case.port].message or product.outcomes[case.port].reason == "unreachable")]
    unread = [case for case in cases if case.counted and case not in judged]
    result = {"seed": seed, "scale": scale, "cases": len(cases), "twins": sum(bool(case.twin_at) for case in cases), "judged_by_a_layer": len(judged),
              "refused_before_a_layer": len(unread),
              "attacks": {name: sum(case.attack == name for case in cases) for name in dict.fromkeys(case.attack for case in cases)},
              "outcomes": dict(sorted(collections.Counter(outcome.reason for outcome in product.outcomes.values()).items())),
              "seconds_until_refused": apart[1],
              "forbidden_connections": {"both layers": sum(bool(packets[case.port] or asked[case.port]) for case in cases)}}
    # Of a crowd only so many addresses are tried; without layer 1 the public one may not be among them.
    twins = [case for case in cases if case.twin_at and case.attack != "A11" and "done" in case.reasons and "crowd" not in case.form]
    for without in ("names", "sockets", "both"):
        run, packets, asked = play(world, work, library, without, judged + twins, built.later, hooks)
        told[LAYERS[without]] = hooks.touched(world.sniffer.seen, outside.read_connects(run.connects_log))
        faults += [f"{LAYERS[without]}: {fault}" for fault in run.hook_faults]
        faults += [f"{LAYERS[without]}: {fault}" for fault in wrong_outcomes(world, run, twins)]
        if without != "both":
            faults += [f"{LAYERS[without]}: {fault}" for fault in misled(world, cases)]
        hit = [case for case in judged if packets[case.port] or asked[case.port]]
        result["forbidden_connections"][LAYERS[without]] = len(hit)
        if without == "both":
            faults += [f"no layer: {url} was not counted" for url in hooks.counted() - told["no layer"]]
            result["seen_in_packets"] = sum(bool(packets[case.port]) for case in judged)
            missed = [case for case in judged if not packets[case.port] and not asked[case.port]]
            faults += [f"no layer: {case.attack} {case.form} {case.url!r} was not counted: {run.outcomes.get(case.port)}" for case in missed]
        else:
            faults += [f"{LAYERS[without]}: {url} was told" for url in told[LAYERS[without]]]
            faults += [f"{LAYERS[without]}: {case.attack} {case.form} {case.url!r} touched {packets[case.port] | asked[case.port]}" for case in hit]
    result["contacts"] = {"added": len(hooks.fixed) + len(hooks.moved), "judged_by_a_layer": len(hooks.counted()),
                          "told_where_nobody_may_go": {name: len(urls) for name, urls in told.items()}}
    result["faults"] = faults
    return result


def weigh(result: dict, seed: int) -> None:
    """What only a long run can say: many more addresses, and whether time tells what the answers do not."""
    result["addresses_compared"], wrong = readers.disagreements_about_addresses(seed, 50000)
    result["faults"] += wrong[:20]
    listening, closed = result["seconds_until_refused"].values()
    if abs(listening - closed) > max(0.02, 0.25 * min(listening, closed)):
        result["faults"].append(f"A10: {listening} s until refused where somebody listens, {closed} s where nobody does")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    result["commit"] = commit


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=0.04, help="1: all cases")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options.add_argument("--json", type=pathlib.Path, help="where the result goes")
    options.add_argument("--soak", action="store_true", help="all cases, more addresses, and medians of time; part of ./dev soak")
    options.add_argument("--keep", action="store_true", help="keep the folder of the servers")
    chosen = options.parse_args()
    if chosen.soak and not os.environ.get(namespaces.MARK) and "RESTANTE_PROGRAMS" not in os.environ:
        subprocess.run(["cmake", "--build", ROOT / "build", "--target", readers.PROGRAM.name], check=True, stdout=sys.stderr)
    if not namespaces.enter():
        print("guard: this machine permits no network namespaces: nothing is proven", file=sys.stderr)
        return 1
    print(f"seed {chosen.seed}", flush=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="restante-guard-"))
    try:
        result = play_all(work, chosen.seed, 1 if chosen.soak else chosen.scale)
        if chosen.soak:
            weigh(result, chosen.seed)
            chosen.json = ROOT / "docs" / "results" / "soak-guard.json"
    finally:
        if chosen.keep:
            print(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=1) + "\n")
    faults = result.pop("faults")
    print(json.dumps(result, indent=1))
    print("\n".join(faults[:50]) or "the guard held", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # threads that serve the world never end by themselves
