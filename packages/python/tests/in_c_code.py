"""The main thread is stuck in C code, so Python's own handler does not run."""

import ctypes
import os
import signal
import sys
import threading
import time

if os.environ.get("CONTROL") != "1":
    import deadstop

    deadstop.install(grace=float(os.environ["GRACE"]))


MUTEX = ctypes.create_string_buffer(64)


def query(driver):
    driver.pthread_mutex_lock(MUTEX)
    # A driver in C that waits for itself.
    driver.pthread_mutex_lock(MUTEX)


def say_when_stuck():
    # The first word of a mutex of glibc is 2 while a thread waits for it.
    while int.from_bytes(MUTEX.raw[:4], sys.byteorder) != 2:
        time.sleep(0.01)
    print("ready", flush=True)


signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
threading.Thread(target=say_when_stuck, daemon=True).start()
query(ctypes.CDLL(None))
