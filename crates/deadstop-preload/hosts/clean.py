import signal, sys, time

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))
print("ready", flush=True)
while True:
    time.sleep(0.05)
