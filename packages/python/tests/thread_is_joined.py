"""The main module ends; the interpreter waits for a thread that is no daemon."""

import os
import threading
import time

if os.environ.get("CONTROL") != "1":
    import deadstop

    deadstop.install(grace=float(os.environ["GRACE"]))

threading.Thread(target=threading.Event().wait, name="uploader").start()
print("ready", flush=True)
print("at", time.monotonic_ns(), flush=True)
