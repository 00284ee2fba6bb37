#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev fuzz [NAME...] [--seconds N] [--coverage] [--merge]: the fuzzers of every parser of strangers' bytes.

Runs each fuzzer from its committed corpus, two at a time; what it found stays in build/fuzz/findings. --coverage measures
instead which lines of the parsers the committed corpora run: each file at least 85 %. --merge takes what earlier runs found
beyond the committed corpora into them. Figures go to docs/results/fuzz.json.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests" / "fuzz"
BUILD = ROOT / "build" / "fuzz"
RESULTS = ROOT / "docs" / "results" / "fuzz.json"
WANTED_PERCENT = 85.0
AT_ONCE = 2


def names() -> list[str]:
    return sorted(path.name.removesuffix("_fuzzer.cpp") for path in HERE.glob("*_fuzzer.cpp"))


def build(preset: str) -> None:
    subprocess.run(["cmake", "--preset", preset], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", preset], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def keep(**figures) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures["inputs"] = {**known.get("inputs", {}), **figures.get("inputs", {})}
    known.update({"commit": commit, **figures})
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def fuzz(name: str, seconds: int) -> tuple[str, int, int]:
    """(name, exit status, inputs tried)"""
    found, findings = BUILD / "found" / name, BUILD / "findings"
    found.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    log = findings / f"{name}.log"
    command = [BUILD / "bin" / f"{name}_fuzzer", f"-dict={HERE / 'dictionary' / f'{name}.dict'}", f"-max_total_time={seconds}", "-timeout=20",
               "-max_len=4096", "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={findings / name}-", found, HERE / "corpus" / name]
    with open(log, "w") as out:
        try:
            status = subprocess.run([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, timeout=seconds + 300).returncode
        except subprocess.TimeoutExpired:
            status = -1
    text = log.read_text(errors="replace")
    tried = re.search(r"number_of_executed_units: (\d+)", text)
    if status != 0:
        said = re.findall(r"this must hold, and does not: .*|ERROR: .*|runtime error: .*", text)
        inputs = re.findall(r"Test unit written to (\S+)", text)
        print(f"{name}: {said[0] if said else f'exit status {status}'}")
        for path in inputs:
            print(f"  again: {pathlib.Path(BUILD / 'bin' / f'{name}_fuzzer').relative_to(ROOT)} {pathlib.Path(path).relative_to(ROOT)}")
        print(f"  log: {log.relative_to(ROOT)}")
    return name, status, int(tried.group(1)) if tried else 0


def run(wanted: list[str], seconds: int) -> int:
    build("fuzz")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(lambda name: fuzz(name, seconds), wanted))
    for name, status, tried in results:
        print(f"{name:16} {'ok' if status == 0 else 'FOUND SOMETHING'}  {tried} inputs in {seconds} s")
    failed = sum(status != 0 for _, status, _ in results)
    keep(seconds=seconds, findings=failed, inputs={name: tried for name, _, tried in results})
    return 1 if failed else 0


def coverage() -> int:
    build("coverage")
    folder = ROOT / "build" / "coverage"
    program, raw, merged = folder / "bin" / "fuzz_corpus_tests", folder / "corpora.profraw", folder / "corpora.profdata"
    done = subprocess.run([program, "--gtest_brief=1"], cwd=ROOT, env={"LLVM_PROFILE_FILE": str(raw), "PATH": "/usr/bin:/bin"})
    if done.returncode:
        return 1
    subprocess.run(["llvm-profdata-19", "merge", "-o", merged, raw], cwd=ROOT, check=True)
    parsers = (folder / "parsers.txt").read_text().split()
    report = subprocess.run(["llvm-cov-19", "export", "-summary-only", f"-instr-profile={merged}", program, *parsers],
                            cwd=ROOT, check=True, capture_output=True, text=True)
    measured = {pathlib.Path(file["filename"]): file["summary"]["lines"]["percent"] for file in json.loads(report.stdout)["data"][0]["files"]}
    lines = {}
    for parser in parsers:
        of_file = [percent for path, percent in measured.items() if str(path).endswith(parser)]
        lines[parser] = round(of_file[0], 1) if of_file else 0.0
        print(f"{lines[parser]:6.1f} %  {parser}{'' if lines[parser] >= WANTED_PERCENT else '   TOO LITTLE'}")
    keep(line_percent=lines, corpus_files={name: len(list((HERE / "corpus" / name).iterdir())) for name in names()})
    return 1 if min(lines.values()) < WANTED_PERCENT else 0


def merge(wanted: list[str]) -> int:
    build("fuzz")
    for name in wanted:
        corpus, found = HERE / "corpus" / name, BUILD / "found" / name
        if found.exists():
            before = len(list(corpus.iterdir()))
            subprocess.run([BUILD / "bin" / f"{name}_fuzzer", "-merge=1", "-use_counters=0", "-max_len=3000", corpus, found], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(f"{name}: {len(list(corpus.iterdir())) - before} inputs more")
    return 0


def main() -> int:
    options = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names()))
    options.add_argument("--seconds", type=int, default=60, help="for each fuzzer")
    options.add_argument("--coverage", action="store_true")
    options.add_argument("--merge", action="store_true")
    chosen = options.parse_args()
    wanted = chosen.names or names()
    if unknown := sorted(set(wanted) - set(names())):
        options.error(f"not known: {', '.join(unknown)}; there are {', '.join(names())}")
    if chosen.coverage:
        if not shutil.which("llvm-cov-19"):
            options.error("llvm-cov-19 is missing: ./dev setup fuzz")
        return coverage()
    return merge(wanted) if chosen.merge else run(wanted, chosen.seconds)


if __name__ == "__main__":
    sys.exit(main())
