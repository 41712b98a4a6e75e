//! The ids of the process and of the calling thread.

use core::ffi::c_int;

/// Returns this process's id. Async-signal-safe.
pub fn pid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { libc::getpid() }
}

/// Returns the calling thread's id, as `procstat -t` shows it.
pub fn tid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { libc::pthread_getthreadid_np() }
}

/// Returns `None`: the id of the main thread is not known here.
pub fn main_tid() -> Option<c_int> {
    None
}
