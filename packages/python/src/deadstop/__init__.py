"""Ends the process at its shutdown deadline, whatever it is stuck on.

    import deadstop
    deadstop.install(grace=25)
"""

import atexit
import ctypes
import faulthandler
import functools
import os
import signal
import sys
import threading

from ._library import Options, load

__all__ = [
    "DeadstopError",
    "arm",
    "arm_within",
    "install",
    "is_requested",
    "remaining",
    "request",
    "status_report",
]


class DeadstopError(Exception):
    """libdeadstop refused a call."""


_library = None
# The process that has installed: a child of os.fork() has not.
_pid = None
_signals = frozenset()


def install(
    grace=10,
    *,
    exit_status=124,
    signals=(signal.SIGTERM,),
    at_exit=True,
    tracebacks=True,
    progress=False,
    json=False,
    report_file=None,
):
    """Starts the watchdog. Call it once, early, and in the main thread.

    grace        seconds from the first signal, or from the end of the main module, to the
                 deadline
    exit_status  of the process at the deadline: 1 to 255
    signals      those that start the clock, if the program handles them. SIGINT too if
                 Ctrl-C always means the end
    at_exit      whether the clock also starts when the interpreter begins to shut down,
                 before it joins threads and calls atexit functions
    tracebacks   whether faulthandler writes the Python tracebacks of all threads to
                 standard error, with the hang report
    progress     whether progress lines are written to standard error
    json         whether reports on standard error are JSON, one line each
    report_file  path of a file for hang reports as JSON

    Raises DeadstopError if it cannot; the process then goes on unprotected.
    """
    global _library, _pid, _signals
    if not 1 <= exit_status <= 255:
        raise ValueError(f"exit_status is {exit_status}; it must be 1 to 255")
    if not 0 <= grace < 2**53:
        raise ValueError(f"grace is {grace}; it must be a number of seconds, 0 or more")
    wanted = frozenset(signal.Signals(number) for number in signals)
    if _library is None:
        try:
            _library = load()
        except OSError as error:
            raise DeadstopError(str(error)) from error
    options = Options(
        size=ctypes.sizeof(Options),
        # 0 would be the library's default.
        grace_ms=max(1, round(grace * 1000)),
        exit_status=exit_status,
        progress=bool(progress),
        stderr_format=bool(json),
        signals=sum(1 << (number - 1) for number in wanted),
        stack_dump_signal=_register_tracebacks() if tracebacks else 0,
        report_file=os.fsencode(report_file) if report_file is not None else None,
    )
    if not wanted:
        # 0 would be the library's default.
        options.signal_mode, options.signals = 1, 0
    _check(_library.deadstop_install(options))
    first = _pid is None
    _pid, _signals = os.getpid(), wanted
    if first:
        _wrap_signal()
        if at_exit:
            _wrap_shutdown()


def request(by="the program"):
    """Starts the clock; `by` is the cause in reports. Returns whether this call began it."""
    return _check(_installed().deadstop_request(str(by).encode())) == 1


def arm():
    """Starts the clock without a cause. The earliest deadline stands; there is no disarm."""
    _installed().deadstop_arm()


def arm_within(seconds):
    """Does the same as arm() with a grace of its own."""
    if not 0 <= seconds < 2**53:
        raise ValueError(f"seconds is {seconds}; it must be 0 or more")
    _installed().deadstop_arm_within(round(seconds * 1000))


def is_requested():
    """Returns whether the shutdown has begun; False in a process that has not installed."""
    return _pid == os.getpid() and _library.deadstop_is_requested() == 1


def remaining():
    """Returns the seconds until the deadline; None while there is none."""
    if _pid != os.getpid():
        return None
    left = _library.deadstop_remaining_ms()
    return None if left < 0 else left / 1000


def status_report():
    """Requests a report of what every thread does, now, on standard error."""
    return _installed().deadstop_status_report() == 1


def _installed():
    if _library is None or _pid is None:
        raise DeadstopError("deadstop.install() has not been called")
    if _pid != os.getpid():
        raise DeadstopError("this process is a child of fork; call deadstop.install() in it")
    return _library


def _check(result):
    if result < 0:
        raise DeadstopError(_library.deadstop_last_error().decode())
    return result


def _register_tracebacks():
    """Makes faulthandler answer a signal that is free. Returns its number, or 0."""
    try:
        for number in range(signal.SIGRTMAX - 1, signal.SIGRTMIN, -1):
            if signal.getsignal(number) == signal.SIG_DFL:
                faulthandler.register(number, file=sys.__stderr__, all_threads=True, chain=False)
                return int(number)
    except (AttributeError, OSError, RuntimeError, ValueError):
        # Standard error is closed, or is no file.
        pass
    return 0


def _wrap_signal():
    """Puts the native handler in front again after each signal.signal()."""
    set_handler = signal.signal

    @functools.wraps(set_handler)
    def chained(number, handler):
        before = set_handler(number, handler)
        if number in _signals and _pid == os.getpid():
            _library.deadstop_chain_signals()
        return before

    signal.signal = chained


def _wrap_shutdown():
    """Starts the clock before the interpreter joins threads and calls atexit functions.

    atexit calls the function that was registered last first, so one of deadstop's would come
    after those that hang. The interpreter calls threading._shutdown before all of them.
    """

    def begin():
        if _pid == os.getpid():
            _library.deadstop_request(b"the interpreter shuts down")

    shutdown = getattr(threading, "_shutdown", None)
    if shutdown is not None:

        @functools.wraps(shutdown)
        def begun(*arguments):
            begin()
            return shutdown(*arguments)

        threading._shutdown = begun
    # An embedder may not call it, and a later version may not have it.
    atexit.register(begin)
