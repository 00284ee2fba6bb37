# SPDX-License-Identifier: Apache-2.0
"""Makes docs/benchmarks.md from the raw samples in docs/results/."""
import json
import pathlib

import measure

MIB = 1 << 20


def _goal(rows: list, name: str, what: str, value: float, goal: float, unit: str, at_least: bool = False) -> None:
    met = value >= goal if at_least else value <= goal
    rows.append(f"| {name} | {what} | {'≥' if at_least else '≤'} {goal:g}{unit} | {value:.3g}{unit} | {'reached' if met else '**missed**'} |")


def _about(results: dict) -> str:
    about = results["about"]
    return f"Commit {about['commit']}, {about['date']}, {about['machine']}; {'; '.join(about['peers'])}."


def _bulk(results: dict, goals: list) -> list[str]:
    text = ["## One file of 1 GiB", "", _about(results), "",
            "Source in memory, output on the disk's file system and synced inside the timed part; five interleaved rounds after a "
            "warm-up; medians, smallest to largest behind them. CPU-s of the downloader, of nginx, and their sum: on loopback the "
            "kernel charges the receive work to either side.", ""]
    for scheme, found in results["results"].items():
        samples = found["samples"]
        text += [f"**{scheme}**", "", "| | CPU-s | nginx CPU-s | sum | sum, spread | wall s | PSS MiB |", "| --- | --- | --- | --- | --- | --- | --- |"]
        for name, rows in samples.items():
            memory = measure.median(rows, "pss_bytes") / MIB
            text.append(f"| {name} | {measure.median(rows, 'cpu_s'):.2f} | {measure.median(rows, 'server_cpu_s'):.2f} | "
                        f"{measure.median(rows, 'sum_cpu_s'):.2f} | {measure.spread(rows, 'sum_cpu_s')} | "
                        f"{measure.median(rows, 'wall_s'):.2f} | {memory:.1f} |")
        key = "sum_cpu_s" if scheme == "http" else "cpu_s"
        curl, again, aria, ours = (measure.median(samples[n], key) for n in ("curl", "curl again", "aria2c", "restante"))
        goal = "1a" if scheme == "http" else "1e"
        _goal(goals, goal, f"{scheme} bulk CPU ({'client + nginx' if scheme == 'http' else 'client'}), of curl's", ours / curl,
              0.90 if scheme == "http" else 0.80, "x")
        _goal(goals, goal, "the same, of aria2c's", ours / aria, 0.60 if scheme == "http" else 0.55, "x")
        peak = max(sample["pss_bytes"] for sample in samples["restante"]) / MIB
        _goal(goals, "1f", f"memory of one bulk transfer over {scheme}, server and worker (PSS, largest seen)", peak, 36, " MiB")
        digest = measure.median(samples["restante"], "digest_pass_cpu_s")
        text += ["", f"curl against itself (A/A): {again / curl:.3f}x. The pass that computes the SHA-256 afterwards, at low priority: "
                 f"{digest:.2f} CPU-s more, not in the rows above.", "", "```", *found["commands"].values(), "```", ""]
    return text


def _accepting(results: dict, goals: list) -> list[str]:
    found = results["results"]
    text = ["## Accepting and holding requests", "", _about(results), "",
            "Five interleaved rounds; each with a fresh data folder on the disk's file system. Restante's figures are durable when the "
            "answer arrives; aria2's are not until its session is saved.", "",
            "| | CPU-s | wall s | memory MiB | bytes each |", "| --- | --- | --- | --- | --- |"]
    for part, label in (("batch", "100,000 in one call"), ("waiting", "20,000 in one call"), ("single", "2,000 calls, one after the other")):
        for who in ("restante", "aria2c"):
            rows = found[part][who]
            memory = f"{measure.median(rows, 'pss_bytes') / MIB:.1f}" if "pss_bytes" in rows[0] else "-"
            each = f"{measure.median(rows, 'pss_bytes_each'):.0f}" if "pss_bytes_each" in rows[0] else "-"
            text.append(f"| {label}: {who} | {measure.median(rows, 'cpu_s'):.2f} ({measure.spread(rows, 'cpu_s')}) | "
                        f"{measure.median(rows, 'wall_s'):.2f} | {memory} | {each} |")
    batch, clients = found["batch"], found["clients"]
    _goal(goals, "6a", "100,000 jobs accepted durably in one call: CPU, of aria2c's",
          measure.median(batch["restante"], "cpu_s") / measure.median(batch["aria2c"], "cpu_s"), 0.6, "x")
    _goal(goals, "6a", "the same: memory, of aria2c's",
          measure.median(batch["restante"], "pss_bytes") / measure.median(batch["aria2c"], "pss_bytes"), 0.05, "x")
    rate, floor = measure.median(clients["restante"], "jobs_per_s"), measure.median(clients["fdatasync"], "per_s")
    _goal(goals, "6b", f"100 clients, one durable add each at a time ({rate:.0f} jobs/s), of fdatasync's rate ({floor:.0f}/s)", rate / floor,
          5, "x", at_least=True)
    _goal(goals, "6b", "the same: median time of an add", measure.median(clients["restante"], "p50_ms"), 4, " ms")
    _goal(goals, "-", "a waiting job, of 20,000, above the empty server (PSS)",
          measure.median(found["waiting"]["restante"], "pss_bytes_each"), 1024, " B")
    _goal(goals, "-", "first page of 50 of 20,000: CPU", 1000 * measure.median(found["waiting"]["restante"], "first_page_cpu_s"), 5, " ms")
    text += ["", f"100 clients (wrk on the same two cores): {rate:.0f} jobs/s ({measure.spread(clients['restante'], 'jobs_per_s')}), median "
             f"{measure.median(clients['restante'], 'p50_ms'):.2f} ms, 99th percentile {measure.median(clients['restante'], 'p99_ms'):.1f} ms. "
             f"4 KiB fdatasync alone: {floor:.0f} a second ({measure.spread(clients['fdatasync'], 'per_s')}).", ""]
    return text


def _sealed(results: dict, goals: list) -> list[str]:
    rows = results["results"]["sealed"]
    middle = {key: measure.median(rows, key) for key in rows[0] if key != "refusals_s"}
    text = ["## Sealed requests", "", _about(results), "",
            f"{results['results']['devices']} devices of 20 accounts, one keep-alive connection each (wrk on the same cores), a new request for one "
            f"address each time ({middle['bytes']:.0f} bytes, compact); durable when the answer arrives. In the same round: the CPU time of "
            "opening and verifying (a loop over the same requests), and the rows of jobs that the store alone takes durably from as many "
            "callers with one row at a time. Medians of the rounds, smallest to largest behind them.", "",
            "| | |", "| --- | --- |",
            f"| accepted a second | {middle['accepted_per_s']:.0f} ({measure.spread(rows, 'accepted_per_s')}) |",
            f"| time of an answer: median, 99th percentile | {middle['p50_ms']:.1f} ms, {middle['p99_ms']:.1f} ms |",
            f"| CPU of the server for one | {middle['cpu_each_s'] * 1e6:.0f} us |",
            f"| CPU of opening and verifying one; of reading it | {middle['open_verify_s'] * 1e6:.0f} us; {middle['parse_s'] * 1e6:.0f} us |",
            f"| cores ÷ that | {middle['cores'] / middle['open_verify_s']:.0f} a second |",
            f"| durable rows of the store | {middle['rows_per_s']:.0f} a second |", ""]
    _goal(goals, "sealed", f"{results['results']['devices']} devices: accepted a second ({middle['accepted_per_s']:.0f}), of the smaller of cores ÷ "
          f"(open + verify) and durable rows a second ({middle['bound_per_s']:.0f})", middle["of_bound"], 0.6, "x", at_least=True)
    kinds = [row["refusals_s"] for row in rows if "refusals_s" in row]
    if kinds:
        costs = {kind: measure.median(kinds, kind) for kind in kinds[0]}
        text += ["CPU of opening, verifying and reading one document, by what is wrong with it (the least of five loops in each round; medians of "
                 "the rounds):", "", "| | us |", "| --- | --- |", *(f"| {kind} | {cost * 1e6:.0f} |" for kind, cost in costs.items()), ""]
        worst = max((kind for kind in costs if kind != "accepted"), key=costs.get)
        _goal(goals, "sealed", f"the dearest refusal ({worst}), of what an accepted document costs", costs[worst] / costs["accepted"], 1.05, "x")
    return text


def _web(results: dict, goals: list) -> list[str]:
    about = results["about"]
    text = ["## The web app by Lighthouse", "", f"Commit {about['commit']}, {about['date']}, {about['machine']}; {'; '.join(about['browser'])}.", "",
            "Its usual phone and simulated network, without the internet; medians of five, smallest to largest behind the scores.", "",
            "| page | performance | accessibility | first paint s | largest paint s | blocked ms | shift | kB |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for page, rows in results["results"].items():
        middle = {key: measure.median(rows, key) for key in rows[0] if key != "faults"}
        text.append(f"| {page} | {middle['performance']:.0f} ({measure.spread(rows, 'performance')}) | "
                    f"{middle['accessibility']:.0f} ({measure.spread(rows, 'accessibility')}) | {middle['first_paint_ms'] / 1000:.2f} | "
                    f"{middle['largest_paint_ms'] / 1000:.2f} | {middle['blocked_ms']:.0f} | {middle['shift']:.3f} | {middle['bytes'] / 1000:.0f} |")
        for category in ("performance", "accessibility"):
            _goal(goals, "web", f"{page}: {category} by Lighthouse", middle[category], 95, "", at_least=True)
    return [*text, ""]


def write(root: pathlib.Path) -> None:
    goals: list[str] = []
    sections: list[str] = []
    for name, section in (("bulk", _bulk), ("accepting", _accepting), ("sealed", _sealed), ("web", _web)):
        path = root / "docs" / "results" / f"bench-{name}.json"
        if path.exists():
            sections += section(json.loads(path.read_text()), goals)
    text = ["<!-- Made by ./dev bench from docs/results/; do not edit. -->", "# Benchmarks", "",
            "Paired runs on one machine; quote the ratios, not the absolute times. Raw samples: [results](results/).", "",
            "| goal | what | wanted | measured | |", "| --- | --- | --- | --- | --- |", *goals, "", *sections]
    (root / "docs" / "benchmarks.md").write_text("\n".join(text).rstrip() + "\n")
