//! `pipe2`.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Creates a close-on-exec pipe; returns its read end and its write end.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the pointer is valid for writes of two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, and no other code owns it.
    let from = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above.
    let to = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    Ok((from, to))
}
