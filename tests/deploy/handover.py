#!/usr/bin/env python3
"""Replaces a server at its own port, without a proxy, under load, and counts failed requests.

    handover.py SERVER [--switches N] [--control-switches N]

SERVER is target/debug/examples/deploy_server. A row of the table is one way to replace it:

    restart     stop, wait for the end, start: what `systemctl restart` does
    reuseport   start the new one with SO_REUSEPORT, then stop the old one
    handover    the old one starts its successor, passes the listener, and stops

Exit status 1 if the hand-over failed a request, if an old server did not end with 0 in time, or
if the restart failed none (the test would prove nothing then).
"""

import argparse
import os
import signal
import subprocess
import sys
import time

from switch import GRACE, TOLERANCE, Load, free_port

KINDS = ["new connection", "keep-alive", "slow handler", "event stream"]


class Server:
    """A server that this script has started, or whose predecessor has."""

    def __init__(self, program, port, how):
        way = {"restart": "handover"}.get(how, how)
        self.process = subprocess.Popen([program, str(port), way], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.output, self.pid = self.process.stdout, self.process.pid
        self.read("ready")

    def read(self, word):
        """Reads the line that begins with the word, and returns the number in it."""
        for line in self.output:
            if line.startswith(word):
                return int(line.split()[1])
        sys.exit(f"the server ended without {word!r}")

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)

    def wait(self):
        return self.process.wait(GRACE + TOLERANCE)

    def hand_over(self):
        """Has the server replace itself, and waits until the old process is gone."""
        old = self.pid
        os.kill(old, signal.SIGUSR2)
        # Both have the same standard output.
        self.pid = self.read("successor")
        until = time.monotonic() + GRACE + TOLERANCE
        while alive(old):
            if time.monotonic() > until:
                os.kill(old, signal.SIGKILL)
                return f"process {old} did not end in time"
            time.sleep(0.02)
        return None


def alive(pid):
    """Whether a process runs: a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def replace(server, program, port, how):
    """Replaces the server once. Returns the new one, and what went wrong."""
    if how == "handover":
        return server, server.hand_over()
    if how == "restart":
        server.stop()
        status = server.wait()
        return Server(program, port, how), status and f"status {status}"
    new = Server(program, port, how)
    server.stop()
    status = server.wait()
    return new, status and f"status {status}"


def measure(program, how, switches):
    port = free_port()
    server = Server(program, port, how)
    load, problems = Load(port), []
    time.sleep(0.3)
    for _ in range(switches):
        server, problem = replace(server, program, port, how)
        if problem:
            problems.append(problem)
        time.sleep(0.1)
    load.stop()
    server.stop()
    until = time.monotonic() + GRACE + TOLERANCE
    while alive(server.pid) and time.monotonic() < until:
        server.process.poll()
        time.sleep(0.02)
    return load, problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--switches", type=int, default=50)
    parser.add_argument("--control-switches", type=int, default=10)
    options = parser.parse_args()
    print("failed requests of all")
    print(f"{'replaced by':<12} {'times':>6}" + "".join(f"{kind:>18}" for kind in KINDS) + f"{'reconnects':>12}")
    wrong = []
    for how in ("restart", "reuseport", "handover"):
        switches = options.switches if how == "handover" else options.control_switches
        load, problems = measure(options.server, how, switches)
        cells = "".join(f"{load.failed.get(k, 0):>8} of {load.sent.get(k, 0):>6}" for k in KINDS)
        print(f"{how:<12} {switches:>6}{cells}{load.reconnects:>12}", flush=True)
        wrong += [f"{how}: {problem}" for problem in problems]
        failed = sum(load.failed.values())
        if how == "handover" and failed:
            wrong.append(f"{how}: {failed} requests failed: {load.why}")
        if how == "restart" and not failed:
            wrong.append(f"{how}: no request failed, so the other rows prove nothing")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
