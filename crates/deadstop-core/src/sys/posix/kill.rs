//! `SIGKILL` to a child process and its group.

use core::ffi::c_int;

use crate::sys::KillTarget;

impl KillTarget {
    /// Sends `SIGKILL`. The child must not have been reaped. Async-signal-safe; does not
    /// wait.
    pub fn kill(self) {
        if self.kills_group {
            // SAFETY: kill(2) takes two integers.
            unsafe { libc::kill(self.pid.wrapping_neg(), libc::SIGKILL) };
        }
        // SAFETY: kill(2) takes two integers.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
    }
}

/// Fails: there are no descriptors of processes here.
///
/// # Errors
///
/// Always with `ENOSYS`.
pub fn open_pidfd(_pid: c_int) -> Result<c_int, c_int> {
    Err(libc::ENOSYS)
}

/// Returns zero: there are no descriptors of processes here.
pub fn inode_of(_descriptor: c_int) -> u64 {
    0
}

/// Lets another thread run. Async-signal-safe.
pub fn yield_now() {
    // SAFETY: no precondition.
    unsafe { libc::sched_yield() };
}
