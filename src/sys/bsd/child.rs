//! Children of a process on systems that do less for a parent than Linux.

use std::os::fd::OwnedFd;
use std::process::Command;

use deadstop_core::sys::NewbornAnnouncer;

/// Does nothing: a child outlives its parent, unless the watchdog kills it.
pub(crate) fn die_with_thread(_command: &mut Command) {}

/// Does nothing: the child is known once it is listed.
pub(crate) fn announce(_command: &mut Command, _newborn: NewbornAnnouncer) {}

/// Returns `false`: there are no PID namespaces.
pub(crate) fn children_get_another_pid_namespace() -> bool {
    false
}

/// Returns `None`: the keeper looks at the child every 100 ms.
pub(crate) fn pidfd_open(_pid: i32) -> Option<OwnedFd> {
    None
}
