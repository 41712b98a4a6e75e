# Python's own handler of SIGINT, and then an exit handler that blocks.
import atexit, threading, time

atexit.register(lambda: threading.Event().wait())
print("ready", flush=True)
time.sleep(600)
