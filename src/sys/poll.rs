//! Waiting until a descriptor takes bytes.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::kill_path::{self, Nanos};

/// Waits until a write to `descriptor` would be taken, or until `until`.
/// Whether it would. Allocates nothing.
pub(crate) fn is_writable(descriptor: BorrowedFd<'_>, until: Nanos) -> bool {
    loop {
        let left = until.since(kill_path::now()).as_millis();
        let mut entry = libc::pollfd {
            fd: descriptor.as_raw_fd(),
            events: libc::POLLOUT,
            revents: 0,
        };
        let left = i32::try_from(left).unwrap_or(i32::MAX);
        // SAFETY: the pointer is to one entry, valid for reads and writes.
        let ready = unsafe { libc::poll(&raw mut entry, 1, left) };
        match ready {
            // Interrupted, or without memory: once more, if there is time.
            ..0 if left > 0 => {}
            ..=0 => return false,
            _ => return entry.revents & libc::POLLOUT != 0,
        }
    }
}
