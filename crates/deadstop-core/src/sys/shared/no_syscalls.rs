//! System calls on a system that does not say which one a thread is in.

use core::ffi::{c_int, c_long};

use crate::sys::{RevealingCall, ThreadStatus, WaitKind};

/// Returns `None`: no thread is known to be in a system call.
pub fn blocking_call(_number: c_long) -> Option<(&'static str, WaitKind)> {
    None
}

/// Returns `None`.
pub fn revealing_call(_number: c_long) -> Option<RevealingCall> {
    None
}

/// Returns `None`: the system does not say which signals a thread blocks.
pub fn thread_status(_tid: c_int) -> Option<ThreadStatus> {
    None
}
