"""A library that cannot be loaded is refused, and the message says what is allowed."""

import os

import deadstop

os.environ["DEADSTOP_LIBRARY"] = __file__
try:
    deadstop.install()
except deadstop.DeadstopError as error:
    text = str(error)
else:
    raise AssertionError("not refused")
assert "this is Linux on " in text, text
assert "is for manylinux_2_34_" in text, text
assert "Linux on x86_64 or aarch64, with glibc 2.34 or later, or with musl 1.2" in text, text
del os.environ["DEADSTOP_LIBRARY"]
# And goes on to work once it can be.
deadstop.install()
raise SystemExit(5)
