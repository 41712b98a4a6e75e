//! Notifies the predecessor that its successor is ready.

use std::env;
use std::os::fd::{IntoRawFd as _, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

#[cfg(feature = "health")]
use crate::sys::handover::is_other_end_closed;
use crate::sys::handover::{adopt, signal_and_close};
use deadstop_core::number;

/// Names the descriptor to which the successor writes when it is ready.
pub(crate) const READY_VARIABLE: &str = "DEADSTOP_READY_FD";

/// The descriptor, until something was written to it.
static READY: AtomicI32 = AtomicI32::new(NONE);

const NONE: i32 = -1;

/// Takes over the descriptor, if this process was started by a predecessor.
pub(crate) fn adopt_ready_descriptor() {
    let number = |name| i32::try_from(number::parse(&env::var(name).ok()?, 10)?).ok();
    // Child processes inherit the variable, and not the descriptor.
    let is_ours = number("LISTEN_PID") == Some(deadstop_core::pid());
    let Some(fd) = number(READY_VARIABLE).filter(|_| is_ours) else {
        return;
    };
    if READY.load(Ordering::Relaxed) == NONE {
        if let Ok(fd) = adopt(fd) {
            READY.store(fd.into_raw_fd(), Ordering::Release);
        }
    }
}

/// Returns `true` while the predecessor is the process that the service manager knows: this
/// one has not said that it is ready.
pub(crate) fn has_predecessor() -> bool {
    ready_descriptor().is_some()
}

/// Returns `true` while there is a predecessor that runs. For a thread that has a descriptor
/// table of its own, the descriptor must be in it.
#[cfg(feature = "health")]
pub(crate) fn is_predecessor_running() -> bool {
    ready_descriptor().is_some_and(|fd| !is_other_end_closed(fd))
}

/// Returns the descriptor while there is a predecessor. Its other end is closed once the
/// predecessor has ended.
pub(crate) fn ready_descriptor() -> Option<RawFd> {
    Some(READY.load(Ordering::Acquire)).filter(|fd| *fd != NONE)
}

/// Tells the predecessor, if there is one and it was not told before. Async-signal-safe.
pub(crate) fn announce_ready() {
    let fd = READY.swap(NONE, Ordering::AcqRel);
    if fd != NONE {
        signal_and_close(fd);
    }
}
