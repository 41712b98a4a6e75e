import os
import signal
import subprocess
import warnings

import deadstop


def raises(error, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except error as raised:
        return str(raised)
    raise AssertionError(f"{call} raised no {error}")


raises(ValueError, deadstop.install, grace=-1)
raises(ValueError, deadstop.install, exit_status=0)
assert "SIGKILL" in raises(deadstop.DeadstopError, deadstop.install, signals=[signal.SIGKILL])
assert "not been called" in raises(deadstop.DeadstopError, deadstop.request)
assert deadstop.remaining() is None and not deadstop.is_requested()
deadstop.install(grace=60)
# Python 3.12 and later warn of a fork in a process with threads.
warnings.simplefilter("ignore", DeprecationWarning)
assert "already" in raises(deadstop.DeadstopError, deadstop.install)
child = os.fork()
if child == 0:
    assert deadstop.remaining() is None and not deadstop.is_requested()
    assert "fork" in raises(deadstop.DeadstopError, deadstop.request)
    deadstop.install(grace=30)
    assert deadstop.request("a child")
    assert 0 < deadstop.remaining() <= 30
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert subprocess.run(["true"]).returncode == 0
assert deadstop.remaining() is None
assert deadstop.request("a test") is True
assert deadstop.request("a test") is False
assert deadstop.is_requested() and 30 < deadstop.remaining() <= 60
print("ready", flush=True)
raise SystemExit(5)
