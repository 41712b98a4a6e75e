//! `getpid` and `gettid`.

use core::ffi::c_int;

use super::bypass::is_bypassed;

/// Returns this process's id. Asks the kernel each time, so that a child of
/// `fork`, or of a bare `clone`, gets its own. Async-signal-safe.
pub fn pid() -> c_int {
    if is_bypassed() {
        // SAFETY: no precondition. A process id fits.
        return unsafe { libc::syscall(libc::SYS_getpid) } as c_int;
    }
    // SAFETY: no precondition.
    unsafe { libc::getpid() }
}

/// Returns the id of the main thread, which is the process's. Async-signal-safe.
pub fn main_tid() -> Option<c_int> {
    Some(pid())
}

/// Returns the calling thread's id, as `/proc/self/task` and `ps -L` show it.
/// Async-signal-safe.
#[inline]
pub fn tid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { libc::gettid() }
}
