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
        cached = measure.median(samples["restante beside another"], key)
        if scheme == "http":
            _goal(goals, "1a", "http bulk CPU (client + nginx) by the page cache, beside another download: of curl's", cached / curl, 0.90, "x")
            _goal(goals, "1a", "the same, of aria2c's", cached / aria, 0.60, "x")
            _goal(goals, "1b", "http bulk CPU (client + nginx) past the page cache, of curl's", ours / curl, 0.65, "x")
            _goal(goals, "1c", "with our digest of every piece (XXH3-128): the dearer of both, of curl's without", max(ours, cached) / curl, 1.00, "x")
            _goal(goals, "1c", "the same, of aria2c's without", max(ours, cached) / aria, 0.70, "x")
            given, checked = (measure.median(samples[n], "cpu_s") for n in ("restante, SHA-256 given", "aria2c --checksum"))
            _goal(goals, "1d", "with a SHA-256 that was given: client CPU, of aria2c's --checksum", given / checked, 0.45, "x")
        else:
            _goal(goals, "1e", "https bulk CPU (client), of curl's", ours / curl, 0.80, "x")
            _goal(goals, "1e", "the same, of aria2c's", ours / aria, 0.55, "x")
        peak = max(sample["pss_bytes"] for sample in samples["restante"]) / MIB
        _goal(goals, "1f", f"memory of one bulk transfer over {scheme}, server and worker (PSS, largest seen)", peak, 36, " MiB")
        digest = measure.median(samples["restante"], "digest_pass_cpu_s")
        text += ["", f"curl against itself (A/A): {again / curl:.3f}x. The pass that computes the SHA-256 afterwards, at low priority: "
                 f"{digest:.2f} CPU-s more, not in the rows above.", "", "```", *found["commands"].values(), "```", ""]
    return text


def _small(results: dict, goals: list) -> list[str]:
    found = results["results"]
    text = ["## 10,000 files of 10 KiB", "", _about(results), "",
            "Source in memory, 16 connections, fresh folders on the disk's file system; five interleaved rounds after a warm-up; medians, smallest to "
            "largest behind them; every byte compared. Restante's time ends when all are published, synced and committed as done; its CPU is that of "
            "server and worker. aria2c syncs each file by itself; for wget2 and curl the file system is synced once at the end, and what they fetched is noted "
            "down nowhere.", ""]
    for scheme in ("http", "https"):
        samples = found[scheme]["samples"]
        text += [f"**{scheme}**", "", "| | CPU-s | spread | wall s | spread | PSS MiB |", "| --- | --- | --- | --- | --- | --- |"]
        for name, rows in samples.items():
            text.append(f"| {name} | {measure.median(rows, 'cpu_s'):.2f} | {measure.spread(rows, 'cpu_s')} | {measure.median(rows, 'wall_s'):.2f} | "
                        f"{measure.spread(rows, 'wall_s')} | {measure.median(rows, 'pss_bytes') / MIB:.1f} |")
        ours, aria, again = (samples[name] for name in ("restante", "aria2c", "aria2c again"))
        for key, goal, what in (("cpu_s", 0.25, "CPU"), ("wall_s", 0.15, "time")):
            _goal(goals, "2a", f"10,000 small files over {scheme}, jobs and files durable: {what}, of aria2c's",
                  measure.median(ours, key) / measure.median(aria, key), goal, "x")
        text += ["", f"aria2c against itself (A/A): CPU {measure.median(again, 'cpu_s') / measure.median(aria, 'cpu_s'):.3f}x, time "
                 f"{measure.median(again, 'wall_s') / measure.median(aria, 'wall_s'):.3f}x. The requests themselves were accepted within "
                 f"{measure.median(ours, 'accepted_s'):.2f} s.", "", "```", *found[scheme]["commands"].values(), "```", ""]
    each = {who: one["each"] for who, one in found["instructions"].items()}
    low, high = found["instructions"]["restante"]["files"]
    text += [f"User instructions a file (callgrind, the difference of runs of {low} and {high} files over http): restante {each['restante'] / 1000:.0f}k, "
             f"server and worker, the queue included; aria2c {each['aria2c'] / 1000:.0f}k.", ""]
    _goal(goals, "2b", "user instructions for a small file, queue included", each["restante"] / 1000, 200, "k")
    return text


def _slow(results: dict, goals: list) -> list[str]:
    text = ["## Many slow downloads", "", _about(results), "",
            "20 KiB/s each (nginx), files on the disk's file system. Started: until each has bytes in its file. Then CPU in the steady state, and memory (PSS) of "
            "the whole tree, above the empty server. Medians, smallest to largest behind them.", "",
            "| | started s | CPU-s a minute | spread | KiB each |", "| --- | --- | --- | --- | --- |"]
    for what, samples in results["results"].items():
        for name, rows in samples.items():
            text.append(f"| {what}: {name} | {measure.median(rows, 'started_s'):.2f} | {measure.median(rows, 'cpu_s_per_min'):.1f} | "
                        f"{measure.spread(rows, 'cpu_s_per_min')} | {measure.median(rows, 'pss_bytes_each') / 1024:.1f} |")
        ours, aria = samples["restante"], samples["aria2c"]
        https = what.startswith("https")
        _goal(goals, "3a", f"memory of a slow download, {what}", measure.median(ours, "pss_bytes_each") / 1024, 96 if https else 32, " KiB")
        if what == "http 5000":
            _goal(goals, "3b", "CPU a minute, 5,000 slow downloads, of aria2c's",
                  measure.median(ours, "cpu_s_per_min") / measure.median(aria, "cpu_s_per_min"), 0.20, "x")
            _goal(goals, "3c", "until all 5,000 are started, of aria2c's", measure.median(ours, "started_s") / measure.median(aria, "started_s"), 0.2, "x")
    return [*text, ""]


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


def _capture(results: dict, goals: list) -> list[str]:
    about, found = results["about"], results["results"]
    text = ["## Capture", "", f"Commit {about['commit']}, {about['date']}, {about['machine']}; {'; '.join(about['browser'][:2])}.", "",
            "A browser with the extension, in a network namespace of its own; content server and place behind a cable of 8 Mbit/s (tbf, burst 16 kB, 100 ms of "
            "queue). Each body has 100 MB. Bytes that the kernel counted as received on the browser's interface from the click until nothing came for "
            "1.5 s, the place's answers and all acknowledgements among them; the connection to the place was open already "
            f"(opening it costs once: {found['chromium']['first']:,} bytes with the first capture in Chromium, {found['firefox']['first']:,} in Firefox). "
            "Median, smallest to largest behind it.", "", "| | Chromium | Firefox |", "| --- | --- | --- |"]
    for layer in ("request", "head"):
        for name in found["chromium"][layer]:
            cells = [sorted(found[kind][layer][name]) for kind in ("chromium", "firefox")]
            text.append(f"| {name} | " + " | ".join(f"{cell[len(cell) // 2]:,} ({cell[0]:,} to {cell[-1]:,})" for cell in cells) + " |")
    worst = {(kind, layer): max(max(rows) for rows in found[kind][layer].values()) for kind in found for layer in ("request", "head")}
    _goal(goals, "capture", "before it is asked for, of 100 MB, worst of both browsers", max(worst[kind, "request"] for kind in found) / 1e3, 1, " kB")
    _goal(goals, "capture", "by its head, Chromium, worst", worst["chromium", "head"] / 1e3, 200, " kB")
    _goal(goals, "capture", "by its head, Firefox, worst", worst["firefox", "head"] / 1e3, 256, " kB")
    return [*text, ""]


def _lossy(results: dict, goals: list) -> list[str]:
    text = ["## A path that loses packets", "", _about(results), "",
            "12 MiB from nginx (CUBIC, no memory of earlier connections) over an emulated cable between two network namespaces: 50 ms there and "
            "back, 200 Mbit/s, a queue of 1.5 MB, loss each way. Restante: `restante send` until the content is in the folder, with the connections "
            "that are its default. Interleaved rounds; medians, smallest to largest behind them.", ""]
    for path, found in results["results"].items():
        control, samples = found["control"], found["samples"]
        text += [f"**{path}**: {control['came_back']:,} of {control['datagrams']:,} datagrams went there and back, in {control['rtt_ms']:.1f} ms "
                 f"(99 %: {control['rtt_99_ms']:.1f} ms).", "", "| | wall s |", "| --- | --- |",
                 *(f"| {who} | {measure.median(rows, 'wall_s'):.2f} ({measure.spread(rows, 'wall_s')}) |" for who, rows in samples.items()), "",
                 f"Restante asked {measure.median(samples['restante'], 'requests'):.0f} times a download.", ""]
    wall = {path: {who: measure.median(rows, "wall_s") for who, rows in found["samples"].items()} for path, found in results["results"].items()}
    lossy, clean = wall["loss 0.5 %"], wall["clean"]
    _goal(goals, "4a", "12 MiB over a path that loses 0.5 %, of aria2c's time with as many connections (4)", lossy["restante"] / lossy["aria2c -x4"], 0.9, "x")
    _goal(goals, "4a", "the same, of curl's time", lossy["restante"] / lossy["curl"], 0.2, "x")
    _goal(goals, "4b", "12 MiB over the path without loss, of curl's time", clean["restante"] / clean["curl"], 1.10, "x")
    return text


def write(root: pathlib.Path) -> None:
    goals: list[str] = []
    sections: list[str] = []
    for name, section in (("bulk", _bulk), ("small", _small), ("slow", _slow), ("accepting", _accepting), ("sealed", _sealed), ("web", _web), ("capture", _capture), ("lossy", _lossy)):
        path = root / "docs" / "results" / f"bench-{name}.json"
        if path.exists():
            sections += section(json.loads(path.read_text()), goals)
    text = ["<!-- Made by ./dev bench from docs/results/; do not edit. -->", "# Benchmarks", "",
            "Paired runs on one machine; quote the ratios, not the absolute times. Raw samples: [results](results/).", "",
            "| goal | what | wanted | measured | |", "| --- | --- | --- | --- | --- |", *goals, "", *sections]
    (root / "docs" / "benchmarks.md").write_text("\n".join(text).rstrip() + "\n")
