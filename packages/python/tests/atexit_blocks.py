"""No signal: the main module ends, and an atexit function never returns."""

import atexit
import os
import threading
import time

if os.environ.get("CONTROL") != "1":
    import deadstop

    deadstop.install(grace=float(os.environ["GRACE"]))


def flush_the_log():
    threading.Event().wait()


atexit.register(flush_the_log)
print("ready", flush=True)
print("at", time.monotonic_ns(), flush=True)
