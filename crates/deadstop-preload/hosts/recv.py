import signal, socket, time

def closing(number, frame):
    here, there = socket.socketpair()
    here.recv(1)

signal.signal(signal.SIGTERM, closing)
print("ready", flush=True)
while True:
    time.sleep(0.05)
