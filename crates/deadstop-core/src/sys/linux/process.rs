//! `getpid` and `gettid`.

use core::ffi::c_int;

/// Returns this process's id. Asks the kernel each time, so that a child of
/// `fork`, or of a bare `clone`, gets its own. Async-signal-safe.
pub fn pid() -> c_int {
    #[cfg(feature = "bare-calls")]
    // SAFETY: no precondition. A process id fits.
    let pid = unsafe { libc::syscall(libc::SYS_getpid) } as c_int;
    #[cfg(not(feature = "bare-calls"))]
    // SAFETY: no precondition.
    let pid = unsafe { libc::getpid() };
    pid
}

/// Returns the id of the main thread, which is the process's. Async-signal-safe.
pub fn main_tid() -> Option<c_int> {
    Some(pid())
}

/// Returns the calling thread's id, as `/proc/self/task` and `ps -L` show it.
/// Async-signal-safe.
pub fn tid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { libc::gettid() }
}
