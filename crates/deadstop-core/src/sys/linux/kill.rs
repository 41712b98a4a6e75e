//! `SIGKILL` to a child process and its group.

use core::ffi::{c_int, c_long};
use core::ptr;

use super::{errno, file_identity};
use crate::sys::KillTarget;

/// `PIDFD_SIGNAL_PROCESS_GROUP`, Linux 6.9: to the group that the process
/// leads. The kernel finds the group by the pidfd, so that a reused number is
/// never hit, even after the leader has been reaped.
const PROCESS_GROUP: c_int = 1 << 2;

impl KillTarget {
    /// Sends `SIGKILL`. The child must not have been reaped, unless there is a
    /// pidfd. Async-signal-safe; does not wait.
    pub fn kill(self) {
        let Some(pidfd) = self.pidfd else {
            return self.kill_by_number();
        };
        if inode_of(pidfd) != self.inode {
            // The program has closed it. The number of a group's leader is still its own;
            // that of another process may not be.
            if self.kills_group {
                self.kill_by_number();
            }
            return;
        }
        let group = match self.kills_group {
            true => send(pidfd, PROCESS_GROUP),
            false => Ok(()),
        };
        match (send(pidfd, 0), group) {
            // The leader has not been reaped, so its number still stands for
            // its group. `EINVAL` is a kernel older than 6.9.
            (Ok(()), Err(libc::EINVAL)) => self.kill_by_number(),
            // The child has been reaped, and its number may be another process's.
            (Ok(()) | Err(libc::ESRCH), _) => {}
            // Refused by a filter, or the descriptor has been closed.
            (Err(_), _) => self.kill_by_number(),
        }
    }

    fn kill_by_number(self) {
        if self.kills_group {
            // SAFETY: kill(2) takes two integers.
            unsafe { libc::kill(self.pid.wrapping_neg(), libc::SIGKILL) };
        }
        // SAFETY: kill(2) takes two integers.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
    }
}

/// Opens a pidfd of a child process, close-on-exec. The error is an `errno`
/// value; `ENOSYS` means a kernel older than 5.3.
///
/// The caller owns the descriptor.
///
/// # Errors
///
/// Fails if there is no such process, or if the process may open no more
/// descriptors.
pub fn open_pidfd(pid: c_int) -> Result<c_int, c_int> {
    let flags: c_int = 0;
    // SAFETY: pidfd_open(2) takes two integers.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) };
    c_int::try_from(pidfd)
        .ok()
        .filter(|pidfd| *pidfd >= 0)
        .ok_or_else(errno::last)
}

/// Returns the inode of a descriptor's file. Zero if the descriptor is closed, or a filter
/// refuses the call. Async-signal-safe; asks no file server from Linux 4.11 on.
pub fn inode_of(descriptor: c_int) -> u64 {
    file_identity(descriptor).map_or(0, |file| file.inode)
}

/// Lets another thread run. Async-signal-safe.
pub fn yield_now() {
    // SAFETY: no precondition.
    unsafe { libc::sched_yield() };
}

fn send(pidfd: c_int, flags: c_int) -> Result<(), c_int> {
    // SAFETY: the signal's details may be null; the other arguments are
    // integers.
    let sent: c_long = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd,
            libc::SIGKILL,
            ptr::null::<libc::siginfo_t>(),
            flags,
        )
    };
    match sent {
        0 => Ok(()),
        _ => Err(errno::last()),
    }
}
