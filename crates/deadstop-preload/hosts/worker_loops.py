# A master and a worker that was forked; the worker's handler loops.
import os, signal, time

def closing(number, frame):
    while True:
        pass

signal.signal(signal.SIGTERM, closing)
worker = os.fork()
if worker == 0:
    while True:
        time.sleep(0.05)
signal.signal(signal.SIGTERM, lambda number, frame: os.kill(worker, number))
print("ready", flush=True)
_, status = os.waitpid(worker, 0)
os._exit(os.waitstatus_to_exitcode(status) % 256)
