# SPDX-License-Identifier: Apache-2.0
"""CPU and memory of whole process trees, as the kernel counts them."""
import os
import pathlib
import statistics
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    try:
        found = [int(c) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for c in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found + [deeper for child in found for deeper in children(child)]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its ended children, and its live descendants. Resolution: one tick (10 ms)."""
    total = 0.0
    for one in [pid, *children(pid)]:
        try:
            fields = open(f"/proc/{one}/stat").read().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, fields[11:15])) / TICK
    return total


def pss_bytes(pid: int) -> int:
    """Proportional set size of a process and its descendants."""
    total = 0
    for one in [pid, *children(pid)]:
        try:
            for line in open(f"/proc/{one}/smaps_rollup"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def run(command: list[str]) -> dict:
    """Runs a command to its end: wall seconds, CPU seconds (wait4), and the largest proportional set size seen."""
    begin, peak = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        peak = max(peak, pss_bytes(process.pid))
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.02)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited {process.returncode}")
    return {"wall_s": time.monotonic() - begin, "cpu_s": usage.ru_utime + usage.ru_stime, "pss_bytes": peak}


def median(samples: list[dict], key: str) -> float:
    return statistics.median(sample[key] for sample in samples)


def spread(samples: list[dict], key: str) -> str:
    values = [sample[key] for sample in samples]
    return f"{min(values):.3g} to {max(values):.3g}"
