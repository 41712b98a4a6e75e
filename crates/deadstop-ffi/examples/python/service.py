"""Python with the C interface, by ctypes: a task in Python, and a lock that is never released.

    DEADSTOP=/usr/local/lib/libdeadstop.so python3 service.py, then kill -TERM it

Without the variable, it stays. The package `deadstop` on PyPI has this and more.
"""

import ctypes
import os
import signal
import threading
import time

LOCK = threading.Lock()


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("grace_ms", ctypes.c_uint64),
        *((name, ctypes.c_uint8) for name in (
            "exit_status", "failure_status", "signal_mode", "second_signal",
            "when_done", "progress", "stderr_format", "require_backup_timer",
        )),
        ("signals", ctypes.c_uint64),
        ("status_signals", ctypes.c_uint64),
        ("stack_dump_signal", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("report_file", ctypes.c_char_p),
        ("message_file", ctypes.c_char_p),
    ]


RUN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class TaskOptions(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("name", ctypes.c_char_p),
        ("phase", ctypes.c_char_p),
        ("budget_ms", ctypes.c_uint64),
        ("run", RUN),
        ("user", ctypes.c_void_p),
    ]


@RUN
def flush(user, context):
    """Runs on a thread of deadstop's, and waits for a lock that no thread releases."""
    with LOCK:
        return 0


def stop(number, frame):
    if "DEADSTOP" not in os.environ:
        flush(None, None)


signal.signal(signal.SIGTERM, stop)
LOCK.acquire()
if "DEADSTOP" in os.environ:
    deadstop = ctypes.CDLL(os.environ["DEADSTOP"])
    deadstop.deadstop_last_error.restype = ctypes.c_char_p
    options = Options(size=ctypes.sizeof(Options), grace_ms=2000)
    task = TaskOptions(size=ctypes.sizeof(TaskOptions), name=b"flush the log", phase=b"flush", run=flush)
    if deadstop.deadstop_install(ctypes.byref(options)) or deadstop.deadstop_task_add(ctypes.byref(task), None):
        raise SystemExit(deadstop.deadstop_last_error().decode())
print("ready", flush=True)
while True:
    time.sleep(0.05)
