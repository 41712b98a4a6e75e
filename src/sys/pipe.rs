//! A pipe.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Makes a pipe that programs started later do not inherit: the end to read
/// from, and the one to write to.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the pointer is valid for writes of two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, and nobody else's.
    let from = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above.
    let to = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    Ok((from, to))
}
