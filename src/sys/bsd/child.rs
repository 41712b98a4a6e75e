//! Children of a process on systems that do less for a parent than Linux.

use std::os::fd::OwnedFd;
use std::process::Command;

/// Does nothing: a child outlives its parent, unless the watchdog kills it.
pub(crate) fn die_with_thread(_command: &mut Command) {}

/// Returns `None`: the keeper looks at the child every 100 ms.
pub(crate) fn pidfd_open(_pid: i32) -> Option<OwnedFd> {
    None
}
