#!/usr/bin/env python3
"""Measures what the preload library costs a short-lived program.

    crates/deadstop-preload/benches/cost.py [--runs 200] [--csv FILE] [--markdown FILE]

Each program is started without the library, with it, and without it again, one after
another in each round, so that a busy machine slows all of them. Processor time is that
of the process and its children, from wait4(2). Build first:
`cargo rustc --profile preload -p deadstop-preload --lib --crate-type cdylib`.
"""

import argparse
import csv
import os
import platform
import statistics
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "target/preload/libdeadstop_preload.so"
PROGRAMS = {
    "/bin/true": ["/bin/true"],
    "bash -c :": ["/bin/bash", "-c", ":"],
    "bash, ten subshells": ["/bin/bash", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do (:); done"],
}
PRELOAD = {"LD_PRELOAD": str(LIBRARY)}
WAYS = {
    "without": {},
    "with, DEADSTOP_GRACE not set": PRELOAD,
    "with, DEADSTOP_GRACE=25s": {**PRELOAD, "DEADSTOP_GRACE": "25s"},
    "with, DEADSTOP_ON=term,exit": {**PRELOAD, "DEADSTOP_GRACE": "25s", "DEADSTOP_ON": "term,exit"},
    "without, again": {},
}


def run(command, environment):
    """Runs a program. Returns wall and processor time in microseconds."""
    begun = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    assert status == 0, f"{command}: {status}"
    return wall * 1e6, (used.ru_utime + used.ru_stime) * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    base = {name: value for name, value in os.environ.items() if not name.startswith(("DEADSTOP", "LD_"))}
    rows = []
    for program, command in PROGRAMS.items():
        for number in range(options.runs):
            for way, more in WAYS.items():
                wall, processor = run(command, {**base, **more})
                rows.append((program, way, number, round(wall), round(processor)))
    lines = [
        f"Medians of {options.runs} runs each, in ms; {platform.machine()}, Linux {platform.release()}, "
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end. "
        f"The library has {LIBRARY.stat().st_size} bytes.",
        "",
        "| program | way | processor time | more than without | wall time |",
        "| --- | --- | --- | --- | --- |",
    ]
    for program in PROGRAMS:
        def median(way, column):
            return statistics.median(row[column] for row in rows if row[:2] == (program, way)) / 1000
        for way in WAYS:
            more = median(way, 4) - median("without", 4)
            lines.append(f"| {program} | {way} | {median(way, 4):.2f} | {more:+.2f} | {median(way, 3):.2f} |")
    print("\n".join(lines))
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("program", "way", "run", "wall_us", "cpu_us"))
            writer.writerows(rows)
    if options.markdown:
        text = options.markdown.read_text() if options.markdown.exists() else "<!-- table -->\n"
        head = text.split("<!-- table -->")[0]
        options.markdown.write_text(head + "<!-- table -->\n" + "\n".join(lines) + "\n")


main()
