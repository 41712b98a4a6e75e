//! Waiting until a descriptor takes bytes.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::standard_error;
use deadstop_core::Nanos;

/// The time between two calls of `until`, in milliseconds.
const SLICE: i32 = 10;

/// Waits until a write to `descriptor` would be taken, or until `until`, which
/// may become earlier meanwhile. Returns `true` if it would. Allocates nothing.
pub(crate) fn is_writable(descriptor: BorrowedFd<'_>, until: &dyn Fn() -> Nanos) -> bool {
    loop {
        let left = until().since(deadstop_core::now()).as_millis();
        let mut entry = libc::pollfd {
            fd: descriptor.as_raw_fd(),
            events: libc::POLLOUT,
            revents: 0,
        };
        let left = i32::try_from(left).unwrap_or(SLICE).min(SLICE);
        // SAFETY: the pointer is to one entry, valid for reads and writes.
        let ready = unsafe { libc::poll(&raw mut entry, 1, left) };
        match ready {
            -1 if standard_error::is_limit_zero() => {
                return standard_error::never_waits(descriptor);
            }
            // Interrupted, without memory, or not yet: once more, if there is time.
            ..=0 if left > 0 => {}
            ..=0 => return false,
            _ => return entry.revents & libc::POLLOUT != 0,
        }
    }
}
