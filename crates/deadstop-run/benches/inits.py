#!/usr/bin/env python3
"""Compares `deadstop run` with tini, dumb-init and catatonit, on what their own tests check.

    crates/deadstop-run/benches/inits.py [--only INIT] [--markdown FILE] [WORD ...]

The letter says whose test a case follows: T tini, D dumb-init; O our own. Catatonit has
no tests. `-` is an option that an init does not have. Without WORDs all cases are run.
Fails if deadstop fails a case that it should pass. Build first:
`cargo build --profile preload -p deadstop-run`.
"""

import argparse
import os
import pty
import resource
import select
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEADSTOP = ROOT / "target/preload/deadstop"
PATIENCE = 20

INITS = {
    "deadstop": {"command": [str(DEADSTOP), "run", "--grace", "none", "--quiet"], "group": ["--group"],
                 "success": "--success", "rewrite": "--rewrite", "parent": "--parent-death",
                 "program": str(DEADSTOP), "usage": [str(DEADSTOP)]},
    "tini": {"command": ["tini", "-s"], "group": ["-g"], "success": "-e", "parent": "-p",
             "program": "tini", "usage": ["tini"]},
    "dumb-init": {"command": ["dumb-init"], "group": [], "single": ["-c"], "rewrite": "-r",
                  "program": "dumb-init", "usage": ["dumb-init"]},
    "catatonit": {"command": ["catatonit"], "group": ["-g"], "program": "catatonit", "usage": ["catatonit"]},
}
ORDINARY = sorted(set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTSTP,
                                       signal.SIGTTIN, signal.SIGTTOU})
FAULTS = [signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS]
# Prints each signal that it gets.
PRINTER = """
import os, signal, sys
for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, lambda number, frame: os.write(1, b"%d\\n" % number))
os.write(1, b"ready %d\\n" % os.getpid())
while True:
    signal.pause()
"""

CASES = []


def case(letter, text):
    def add(function):
        CASES.append((letter, text, function))
        return function
    return add


def start(init, command, options=(), **more):
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.DEVNULL)
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([*init["command"], *options, "--", *command], start_new_session=True, **more)


def status(init, script, options=()):
    with start(init, ["sh", "-c", script], options, stdout=subprocess.DEVNULL) as process:
        return process.wait(PATIENCE)


def line(file):
    """Reads a line from a pipe, within a bound."""
    text = b""
    end = time.monotonic() + PATIENCE
    while not text.endswith(b"\n"):
        if not select.select([file], [], [], max(0, end - time.monotonic()))[0]:
            raise TimeoutError
        read = os.read(file.fileno(), 1)
        if not read:
            break
        text += read
    return text.decode().strip()


def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def session(leader):
    """Returns the processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[3]) == leader:
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def kill_session(process):
    for pid in session(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    for file in (process.stdout, process.stderr, process.stdin):
        if file:
            file.close()


@case("T", "each exit status from 0 to 255 is passed on")
def every_status(init):
    return all(status(init, f"exit {code}") == code for code in range(256))


@case("T", "a status counts as success, by option")
def remapped(init):
    if "success" not in init:
        return None
    return status(init, "exit 143", [init["success"], "143"]) == 0 and status(init, "exit 142", [init["success"], "143"]) == 142


@case("D", "death by TERM, HUP, QUIT and KILL is 128 + N")
def killed(init):
    return all(status(init, f"kill -{number} $$") == 128 + number for number in (15, 1, 3, 9))


def received(init, numbers, options=(), expected=None):
    process = start(init, [sys.executable, "-c", PRINTER], options)
    try:
        line(process.stdout)
        for number, expect in zip(numbers, expected or numbers):
            process.send_signal(number)
            if line(process.stdout) != str(int(expect)):
                return False
        return True
    except (TimeoutError, ProcessLookupError):
        return False
    finally:
        kill_session(process)


@case("D", "every ordinary signal is passed on, except those of faults")
def ordinary(init):
    return received(init, [number for number in ORDINARY if number not in FAULTS])


@case("D", "signals of faults, sent by another process, are passed on")
def faults(init):
    return all(received(init, [number]) for number in FAULTS)


@case("D", "signals are rewritten, by option")
def rewritten(init):
    if "rewrite" not in init:
        return None
    options = [init["rewrite"], "15:3", init["rewrite"], "2:15"]
    return received(init, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], options, [3, 15, 1])


@case("D", "a signal is ignored, by rewriting it to 0")
def ignored(init):
    if "rewrite" not in init:
        return None
    process = start(init, [sys.executable, "-c", PRINTER], [init["rewrite"], "2:0"])
    try:
        line(process.stdout)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        return line(process.stdout) == "1"
    finally:
        kill_session(process)


@case("T", "signals go to the whole process group, by option or always")
def group(init):
    # The shell ignores the signal; its child does not.
    script = "trap '' USR1; python3 -c 'import signal, time; signal.signal(signal.SIGUSR1, signal.SIG_DFL); print(1, flush=True); time.sleep(600)'; echo over"
    process = start(init, ["sh", "-c", script], init["group"])
    try:
        line(process.stdout)
        process.send_signal(signal.SIGUSR1)
        return line(process.stdout) == "over" and process.wait(PATIENCE) == 0
    except (TimeoutError, subprocess.TimeoutExpired):
        return False
    finally:
        kill_session(process)


ORPHANS = "for i in 1 2 3; do (sleep 0.1 & ) ; done; sleep 0.6; echo ready; sleep 600"


def reaps(process, pid):
    line(process.stdout)
    # The shell alone is left, once the orphans have ended: a zombie would stay.
    return until(lambda: len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()) == 1)


@case("T", "orphans are adopted and reaped, not as pid 1")
def subreaper(init):
    process = start(init, ["sh", "-c", ORPHANS])
    try:
        return until(lambda: state(process.pid) == "S") and reaps(process, process.pid)
    finally:
        kill_session(process)


@case("T", "orphans are reaped as pid 1")
def pid_1(init):
    command = ["unshare", "--pid", "--fork", "--kill-child", *init["command"], "--", "sh", "-c", ORPHANS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        if not until(lambda: Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()):
            return False
        inner = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
        return reaps(process, inner)
    finally:
        kill_session(process)


@case("T", "the program inherits the signal mask and the ignored signals of the init")
def configuration(init):
    def before():
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGTTIN, signal.SIGILL, signal.SIGTERM})
    process = start(init, ["cat", "/proc/self/status"], preexec_fn=before)
    text = process.communicate(timeout=PATIENCE)[0].decode()
    words = dict(entry.split(":", 1) for entry in text.splitlines())
    def has(name, number):
        return int(words[name], 16) >> (number - 1) & 1 == 1
    return (all(has("SigIgn", number) for number in (signal.SIGTTOU, signal.SIGINT))
            and not has("SigIgn", signal.SIGPIPE)
            and all(has("SigBlk", number) for number in (signal.SIGTTIN, signal.SIGILL, signal.SIGTERM)))


@case("T", "the init notices the end of its parent, by option")
def parent_death(init):
    if "parent" not in init:
        return None
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder) / "mark"
        program = f"import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (open({str(mark)!r}, 'w').close(), sys.exit()))\nprint('ready', flush=True)\ntime.sleep(600)"
        command = [*init["command"], init["parent"], "SIGTERM", "--", sys.executable, "-c", program]
        parent = f"import os, subprocess, time\np = subprocess.Popen({command!r}, stdout=subprocess.PIPE)\np.stdout.readline()\nos._exit(0)"
        subprocess.run([sys.executable, "-c", parent], timeout=PATIENCE, check=True)
        return until(mark.exists)


def terminal(command, typed):
    """Runs a command on a terminal of its own. Returns its output.

    `typed` has pairs: what the terminal must show, and what is typed then, or a function
    that returns it."""
    reading, writing = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        try:
            # A shell that started before the attributes are set would echo what is typed.
            os.read(reading, 1)
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    attributes = termios.tcgetattr(master)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(master, termios.TCSANOW, attributes)
    os.write(writing, b"x")
    os.close(reading)
    os.close(writing)
    output = b""
    end = time.monotonic() + PATIENCE
    for wanted, text in typed:
        while wanted.encode() not in output and time.monotonic() < end:
            output += read_some(master)
        os.write(master, (text() if callable(text) else text).encode())
    while time.monotonic() < end:
        read = read_some(master, 0.05)
        output += read
        if not read and os.waitpid(pid, os.WNOHANG) != (0, 0):
            break
    else:
        for member in session(pid):
            os.kill(member, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(master)
    return output.decode(errors="replace")


def read_some(file, seconds=0.2):
    if not select.select([file], [], [], seconds)[0]:
        return b""
    try:
        return os.read(file, 4096)
    except OSError:
        return b""


@case("D", "a program reads from and writes to the terminal")
def reads_terminal(init):
    return "3\n2\n1\n" in terminal([*init["command"], "--", "tac"], [("", "1\n2\n3\n"), ("", "\x04")]).replace("\r", "")


@case("D", "a shell has job control")
def job_control(init):
    output = terminal([*init["command"], "--", "bash", "--norc", "-m"], [("", 'echo "flags [[$-]]"\n'), ("flags [[", "exit\n")])
    flags = output.split("flags [[")[-1].split("]]")[0]
    return "m" in flags and "no job control" not in output


@case("T", "Ctrl-C reaches the program in the foreground")
def ctrl_c(init):
    script = [*init["command"], "--", "sh", "-c", "echo ready; while :; do sleep 0.1; done"]
    output = terminal(["sh", "-c", '"$@"; echo "status $?"', "sh", *script], [("ready", "\x03")])
    return "status 130" in output or "status" not in output


@case("O", "Ctrl-Z stops init and program, and `fg` continues both")
def ctrl_z(init):
    with tempfile.TemporaryDirectory() as folder:
        over = Path(folder) / "over"
        # The words are not those that are typed, and the program runs until it was stopped. It
        # starts no process: dash does so by vfork, and cannot stop while a stopped child of it
        # has not called exec.
        program = f"echo beg''un; while [ ! -e {over} ]; do :; done; echo fin''ished"
        script = shlex.join([*init["command"], "--", "sh", "-c", program])
        def go_on():
            over.touch()
            return "fg\n"
        output = terminal(["bash", "--norc", "-i"], [("", "PS1=\n"), ("", script + "\n"), ("begun", "\x1a"),
                                                     ("topped", go_on), ("finished", "exit\n")])
        return "topped" in output and "finished" in output


@case("O", "the terminal is given back when the program ends")
def given_back(init):
    script = [*init["command"], "--", "true"]
    output = terminal(["sh", "-c", '"$@"; echo asks; read answer; echo "got $answer"', "sh", *script], [("asks", "yes\n")])
    return "got yes" in output


@case("O", "a writer in a pipeline ends by PIPE when the reader has ended")
def pipe(init):
    process = start(init, ["sh", "-c", "yes | head -n 1 >/dev/null; echo over"])
    try:
        return line(process.stdout) == "over"
    except TimeoutError:
        return False
    finally:
        kill_session(process)


@case("D", "usage: no arguments fail, an unknown option is named, --version and -h work")
def usage(init):
    def run(*arguments):
        done = subprocess.run([*init["usage"], *arguments], capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        return done.returncode, (done.stdout + done.stderr).decode()
    nothing, unknown = run(), run("--yolo", "true")
    return nothing[0] != 0 and nothing[1] != "" and unknown[0] != 0 and "yolo" in unknown[1] and run("--version")[0] == 0 and run("-h")[0] == 0


@case("T", "the status is 127 if the program does not exist, 126 if it cannot be run")
def missing(init):
    def of(program):
        return subprocess.run([*init["command"], "--", program], capture_output=True, timeout=PATIENCE).returncode
    return of("no-such-program") == 127 and of("/etc/passwd") == 126


@case("O", "a program that ignores TERM ends after the grace period, with its children and a report")
def deadline(init):
    if "deadstop" not in init["program"]:
        return None
    command = [str(DEADSTOP), "run", "--grace", "500ms", "--", "sh", "-c", "trap '' TERM; sleep 600 & echo $!; while :; do sleep 0.1; done"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    child = int(line(process.stdout))
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    errors = process.communicate(timeout=PATIENCE)[1].decode()
    length = time.monotonic() - begun
    return process.returncode == 124 and length >= 0.5 and "has not ended" in errors and until(lambda: state(child) in "ZX")


def size(init):
    return f"{Path(shutil.which(init['program'])).stat().st_size / 1024:.0f} KiB"


def linked(init):
    text = subprocess.run(["ldd", shutil.which(init["program"])], capture_output=True, text=True).stdout
    return "dynamic" if "libc.so" in text else "static"


def memory(init):
    process = start(init, ["sleep", "600"])
    try:
        until(lambda: Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip())
        time.sleep(0.1)
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        return " ".join(next(entry for entry in text.splitlines() if entry.startswith("Rss")).split()[1:])
    finally:
        kill_session(process)


def wakeups(init):
    process = start(init, ["sleep", "600"])
    def switches():
        words = dict(entry.split(":", 1) for entry in Path(f"/proc/{process.pid}/status").read_text().splitlines())
        return int(words["voluntary_ctxt_switches"])
    try:
        time.sleep(0.5)
        before = switches()
        time.sleep(3)
        return f"{(switches() - before) / 3:.0f}/s"
    finally:
        kill_session(process)


def startup(init, runs=60):
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*init["command"], "--", "/bin/true"], stdin=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return f"{statistics.median(times) * 1000:.1f} ms"


FIGURES = [("size of the file", size), ("linked", linked), ("resident memory while it waits", memory),
           ("wake-ups while it waits", wakeups), ("processor time around `/bin/true`", startup)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--only", choices=INITS)
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    inits = {name: init for name, init in INITS.items()
             if shutil.which(init["program"]) and options.only in (None, name)}
    rows = ["| test of | case | " + " | ".join(inits) + " |", "| --- | --- |" + " --- |" * len(inits)]
    print("\n".join(rows), flush=True)
    failed = passed = 0
    for letter, text, function in CASES:
        if not all(word in text for word in options.words):
            continue
        answers = []
        for name, init in inits.items():
            try:
                answer = function(init)
            except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
                print(f"{name}: {text}: {error!r}", file=sys.stderr)
                answer = False
            answers.append({True: "yes", False: "no", None: "-"}[answer])
        passed += answers[0] == "yes"
        failed += answers[0] == "no"
        rows.append(f"| {letter} | {text} | " + " | ".join(answers) + " |")
        print(rows[-1], flush=True)
    if not options.words:
        for text, function in FIGURES:
            rows.append(f"| | {text} | " + " | ".join(function(init) for init in inits.values()) + " |")
            print(rows[-1], flush=True)
    if options.markdown:
        head = options.markdown.read_text().split("<!-- table -->")[0]
        options.markdown.write_text(head + "<!-- table -->\n" + "\n".join(rows) + "\n")
    print(f"\ndeadstop: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
