"""libdeadstop, by ctypes."""

import ctypes
import os
from pathlib import Path


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
    file = os.environ.get("DEADSTOP_LIBRARY") or Path(__file__).with_name("libdeadstop.so")
    library = ctypes.CDLL(str(file))
    library.deadstop_last_error.restype = ctypes.c_char_p
    library.deadstop_install.argtypes = [ctypes.POINTER(Options)]
    library.deadstop_request.argtypes = [ctypes.c_char_p]
    library.deadstop_arm.restype = None
    library.deadstop_arm_within.argtypes = [ctypes.c_uint64]
    library.deadstop_arm_within.restype = None
    library.deadstop_remaining_ms.restype = ctypes.c_int64
    return library
