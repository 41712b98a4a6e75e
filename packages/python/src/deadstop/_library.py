"""libdeadstop, by ctypes."""

import ctypes
import importlib.metadata
import os
import platform
from pathlib import Path

# The systems that a wheel is built for.
ALLOWED = "Linux on x86_64 or aarch64, with glibc 2.34 or later, or with musl 1.2"


class Options(ctypes.Structure):
    """deadstop_options of deadstop.h."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("grace_ms", ctypes.c_uint64),
        ("exit_status", ctypes.c_uint8),
        ("failure_status", ctypes.c_uint8),
        ("signal_mode", ctypes.c_uint8),
        ("second_signal", ctypes.c_uint8),
        ("when_done", ctypes.c_uint8),
        ("progress", ctypes.c_uint8),
        ("stderr_format", ctypes.c_uint8),
        ("require_backup_timer", ctypes.c_uint8),
        ("signals", ctypes.c_uint64),
        ("status_signals", ctypes.c_uint64),
        ("stack_dump_signal", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("report_file", ctypes.c_char_p),
        ("message_file", ctypes.c_char_p),
    ]


def load():
    """Loads libdeadstop. Raises OSError with the systems that have one."""
    file = os.environ.get("DEADSTOP_LIBRARY") or Path(__file__).with_name("libdeadstop.so")
    try:
        library = ctypes.CDLL(str(file))
    except OSError as error:
        raise OSError(
            f"{error}; this is {platform.system()} on {platform.machine()}, the installed package "
            f"is for {_wheel()}, and there are wheels for {ALLOWED}"
        ) from error
    library.deadstop_last_error.restype = ctypes.c_char_p
    library.deadstop_install.argtypes = [ctypes.POINTER(Options)]
    library.deadstop_request.argtypes = [ctypes.c_char_p]
    library.deadstop_arm.restype = None
    library.deadstop_arm_within.argtypes = [ctypes.c_uint64]
    library.deadstop_arm_within.restype = None
    library.deadstop_remaining_ms.restype = ctypes.c_int64
    return library


def _wheel():
    """Returns the platform in the tag of the installed wheel."""
    try:
        text = importlib.metadata.distribution("deadstop").read_text("WHEEL") or ""
    except importlib.metadata.PackageNotFoundError:
        text = ""
    tags = [line.rpartition("-")[2] for line in text.splitlines() if line.startswith("Tag: ")]
    return ", ".join(tags) or "no known system"
