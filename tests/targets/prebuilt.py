#!/usr/bin/env python3
"""Runs a program that hangs after SIGTERM, with a deadline and without.

    tests/targets/prebuilt.py NAME MILLISECONDS WATCHED CONTROL

The command WATCHED, one word for the shell, must end with 124, not before its deadline, and
report. CONTROL must still be there after two deadlines.
"""

import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 60


def stops(command, errors, limit):
    """Returns the status, or None, and the seconds from SIGTERM."""
    process = subprocess.Popen(shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
    try:
        if not select.select([process.stdout], [], [], PATIENCE)[0] or process.stdout.readline() != b"ready\n":
            raise AssertionError("it is not ready")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        return status, time.monotonic() - begun
    finally:
        process.kill()
        process.wait()


def main():
    name, grace, watched, control = sys.argv[1], int(sys.argv[2]) / 1000, *sys.argv[3:]
    with tempfile.TemporaryFile() as errors:
        try:
            status, seconds = stops(watched, errors, PATIENCE)
            errors.seek(0)
            text = errors.read().decode(errors="replace")
            assert status == 124, f"status {status}\n{text}"
            assert seconds >= grace, f"early: {seconds:.3f} s"
            lines = [line for line in text.splitlines() if line.startswith("deadstop: deadline in ")]
            assert lines, f"no report:\n{text}"
            status, _ = stops(control, subprocess.DEVNULL, 2 * grace)
            assert status is None, f"the control has ended with {status}"
        except AssertionError as error:
            sys.exit(f"{name}: FAILED: {error}")
    print(f"{name}: 124 after {seconds * 1000:.0f} ms: {lines[0]}")


main()
