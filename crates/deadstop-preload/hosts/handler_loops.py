import signal, time

def closing(number, frame):
    while True:
        pass

signal.signal(signal.SIGTERM, closing)
print("ready", flush=True)
while True:
    time.sleep(0.05)
