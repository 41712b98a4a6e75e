//! The ids of the process and of the calling thread.

use core::ffi::c_int;

/// Returns this process's id. Async-signal-safe.
pub fn pid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { libc::getpid() }
}

/// Returns the lower bits of the calling thread's id, which has 64.
pub fn tid() -> c_int {
    let mut id = 0;
    // SAFETY: thread 0 is the calling one, and the pointer is valid for writes.
    unsafe { libc::pthread_threadid_np(0, &raw mut id) };
    (id & 0x7fff_ffff) as c_int
}

/// Returns `None`: the id of the main thread is not known here.
pub fn main_tid() -> Option<c_int> {
    None
}
