#!/usr/bin/env python3
"""Runs the program of this folder on one target, case by case, and compares.

    tests/targets/run.py TARGET PROGRAM TABLE [RUNNER ...]
    tests/targets/run.py --head        prints the head of the table

Each end must have its exact status, and must not be early: the program prints the clock
just before it arms, and this script reads the same clock when it sees the end. How late an
end is, is printed and judges nothing. A case whose report lacks words has two more tries: on
a busy machine a report can come too late. Appends a row to the file TABLE.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 60
KILLED = -9
# How long a program without its defense is watched.
ALIVE = 4
# How often a case is run until its report has all of its words.
TRIES = 3

RIGHT, WRONG, WORDS = "right", "wrong", "words"

# Case, level, status, words on standard error or output. A case that a system does not have
# is absent in its list below.
CASES = {
    "watchdog": (1, 124, ["deadline reached"]),
    "timer": (1, KILLED, []),
    "signal": (1, 124, []),
    "fork": (1, 0, ["child 7"]),
    "returns": (1, 0, ["protection: "]),
    "threads": (1, 0, ["the stuck one is busy"]),
    "task": (2, 124, ["flush", "segment 12 of 40"]),
    "request": (2, 124, ["flush"]),
    "clean": (2, 0, []),
    # Windows: main returns, and a library hangs as the process ends. The guard ends it;
    # `ExitProcess` has set the status before. A service hears that it is to stop.
    "detach": (1, 0, ["guard process"]),
    "service": (2, None, []),
}

# The same without the defense: each must still be there after a while.
CONTROLS = {"detach": "detach-unguarded", "service": "service-unheard"}


class Target:
    def __init__(self, name):
        self.is_windows = "windows" in name
        # Wine makes Windows' counter from this clock; elsewhere it is the one of Linux.
        self.clock = time.CLOCK_MONOTONIC_RAW if self.is_windows else time.CLOCK_MONOTONIC
        # The stack of the task: the name of its function, or under an emulator, where the
        # names may take too long, any frame.
        stacks = {"x86_64": ["spin"], "aarch64": ["#0 "]}
        self.stack = stacks.get(name.split("-")[0], []) if "linux" in name else []
        self.absent = {"fork"} if self.is_windows else {"detach", "service"}
        # The status of a program that its backup timer ended.
        self.killed = 137 if self.is_windows else KILLED

    def words(self, case, words):
        return words + self.stack if case == "task" else words

    def now(self):
        return time.clock_gettime_ns(self.clock)

    def command(self, command, case):
        if self.is_windows and case in ("signal", "request"):
            # A console event needs a console, which wine makes of a terminal.
            return ["script", "-qec", shlex.join(command), "/dev/null"]
        return command


def run(target, command, case, limit=LIMIT):
    """Returns the status, the output and the clock at the end."""
    arguments = [case]
    if case.startswith("detach"):
        arguments.append(windows_path(os.environ["DEADSTOP_HANGING_LIBRARY"]))
    process = subprocess.Popen(
        target.command(command + arguments, case),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        output, _ = process.communicate(timeout=limit)
        status, ended = process.returncode, target.now()
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        status, ended = "alive", target.now()
    # A console adds sequences that move the cursor.
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\r", "", output.decode(errors="replace"))
    return status, text, ended


def windows_path(path):
    return "Z:" + path.replace("/", "\\")


def processes_with(word):
    """Returns the processes whose command line has the word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if word in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def wait_until(condition, limit):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def service(target, command, case, limit=LIMIT):
    """Starts a service and stops it. Returns the same as `run`, without a status."""
    *runner, program = command

    def control(*arguments):
        subprocess.run([*runner, "sc", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=LIMIT, check=False)

    with tempfile.TemporaryDirectory(prefix="deadstop-service-") as folder:
        log = Path(folder) / "log"

        def says(word):
            return log.exists() and word in log.read_text()

        # wine ends all services with the last program that is none.
        waits = subprocess.Popen([*runner, "cmd"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        control("create", "deadstop", "binPath=", f"{windows_path(program)} {case} {windows_path(str(log))}")
        try:
            control("start", "deadstop")
            # The process itself: those of Windows' own services are not it.
            if not wait_until(lambda: says("running"), LIMIT):
                return "not started", "", target.now()
            control("stop", "deadstop")
            is_gone = wait_until(lambda: not processes_with(f"{case} {windows_path(str(log))}")
                                 and not processes_with(log.parent.name), limit)
            ended = target.now()
            for pid in processes_with(log.parent.name):
                os.kill(pid, 9)
            return None if is_gone else "alive", log.read_text(), ended
        finally:
            control("delete", "deadstop")
            waits.stdin.close()
            try:
                waits.wait(10)
            except subprocess.TimeoutExpired:
                waits.kill()
                waits.wait()


def reading(output, word):
    for line in output.splitlines():
        if line.startswith(word + " "):
            return [int(number) for number in line.split()[1:3]]
    return None


def check_clock(target, command):
    """Fails unless the program reads the clock that this script reads."""
    before = target.now()
    _, output, after = run(target, command, "clock")
    read = reading(output, "clock")
    if read is None or not before <= read[0] <= after:
        sys.exit(f"another clock: {before} <= {read} <= {after}\n{output}")


def judge(target, case, status, output, ended):
    """Returns the cell of the table, and whether the case is RIGHT, WRONG or lacks WORDS."""
    _, expected, words = CASES[case]
    problems = []
    if expected == KILLED:
        expected = target.killed
    if status != expected:
        problems.append(f"status {status}, expected {expected}")
    armed = reading(output, "arming")
    lateness = ""
    if armed is not None:
        after = ended - sum(armed)
        if after < 0 and case not in ("returns", "fork"):
            problems.append(f"early by {-after} ns")
        lateness = f" (+{after / 1e6:.0f} ms)"
    elif case not in ("fork", "returns", "threads", "clean"):
        problems.append("it did not arm")
    missing = [f"no {word!r}" for word in target.words(case, words) if word not in output]
    if problems or missing:
        return f"FAILED: {'; '.join(problems + missing)}", WRONG if problems else WORDS
    shown = {KILLED: 137, None: "gone"}.get(status, status)
    return f"{shown}{lateness}", RIGHT


def head():
    print(f"| target | {' | '.join(CASES)} |")
    print(f"| --- |{' --- |' * len(CASES)}")


def main():
    if sys.argv[1:] == ["--head"]:
        return head()
    name, program, table, *runner = sys.argv[1:]
    target = Target(name)
    command = runner + [program]
    check_clock(target, command)
    level = 2 if run(target, command, "level")[1].strip() == "level 2" else 1
    cells, failed = [], 0
    for case, (least, *_) in CASES.items():
        if case in target.absent or least > level:
            cells.append("–")
            continue
        start = service if case == "service" else run
        for _ in range(TRIES):
            status, output, ended = start(target, command, case)
            cell, verdict = judge(target, case, status, output, ended)
            if verdict != WORDS:
                break
        if case in CONTROLS and verdict == RIGHT:
            status, output, _ = start(target, command, CONTROLS[case], ALIVE)
            if status != "alive":
                cell, verdict = f"FAILED: the control is not alive: {status}", WRONG
        print(f"{name} {case}: {cell}")
        if verdict != RIGHT:
            failed += 1
            print("    " + output.replace("\n", "\n    "))
        cells.append(cell)
    with open(table, "a") as file:
        by = re.search(r"qemu|wine", " ".join(runner))
        file.write(f"| {name}{', ' + by.group() if by else ''} | {' | '.join(cells)} |\n")
    sys.exit(failed != 0)


main()
