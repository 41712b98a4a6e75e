//! What the expiry of the backup timer does, as a plain value that every backend uses.

use core::ffi::c_int;

/// The effect of the timer's expiry.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The process ends, and none of its code runs: the kernel sends `SIGKILL`, or the
    /// guard of Windows ends it.
    Process,
    /// The kernel sends `signal` to one thread, for a process that cannot kill itself.
    /// Only Linux has such a timer.
    Thread {
        /// The signal's number.
        signal: c_int,
        /// The thread's id.
        tid: c_int,
    },
}
