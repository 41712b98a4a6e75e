//! Who and where we are.

use ::core::ffi::c_int;

/// This process's id, asked of the kernel each time: a child of `fork` gets its
/// own, even one made by a bare `clone`. Async-signal-safe.
pub(crate) fn pid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { ::libc::getpid() }
}

/// The calling thread's id, as `/proc/self/task` and `ps -L` show it.
/// Async-signal-safe.
pub(crate) fn tid() -> c_int {
    // SAFETY: no precondition, and it cannot fail.
    unsafe { ::libc::gettid() }
}
