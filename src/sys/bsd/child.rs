//! What other systems than Linux do not do for the parent of a process.

use std::os::fd::OwnedFd;
use std::process::Command;

/// Does nothing: a child outlives its parent, unless the watchdog kills it.
pub(crate) fn die_with_thread(_command: &mut Command) {}

/// Returns `None`: the keeper looks at the child every 100 ms.
pub(crate) fn pidfd_open(_pid: i32) -> Option<OwnedFd> {
    None
}
