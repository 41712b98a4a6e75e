"""SIGTERM makes the program exit, and an atexit function never returns."""

import atexit
import os
import signal
import sys
import threading
import time

if os.environ.get("CONTROL") != "1":
    import deadstop

    deadstop.install(grace=float(os.environ["GRACE"]))


def flush_the_log():
    threading.Event().wait()


atexit.register(flush_the_log)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
print("ready", flush=True)
while True:
    time.sleep(0.05)
