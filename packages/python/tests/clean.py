"""A handler that ends the program itself: its status stays, and nothing is printed."""

import signal
import sys
import time

import deadstop

deadstop.install(grace=20)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(3))
print("ready", flush=True)
while True:
    time.sleep(0.05)
