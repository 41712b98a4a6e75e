//! A pipe to which a write blocks.

use std::ffi::c_int;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The two ends of a pipe that is full.
pub(crate) fn full_pipe() -> (OwnedFd, OwnedFd) {
    let mut ends = [0; 2];
    // SAFETY: valid for writes of two numbers.
    assert_eq!(
        unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) },
        0
    );
    // SAFETY: the kernel has just made both.
    let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    set_flags(&writer, libc::O_NONBLOCK);
    let text = [b'x'; 4096];
    // SAFETY: valid for reads of the length given.
    while unsafe { libc::write(writer.as_raw_fd(), text.as_ptr().cast(), text.len()) } > 0 {}
    set_flags(&writer, 0);
    (reader, writer)
}

fn set_flags(file: &OwnedFd, flags: c_int) {
    // SAFETY: three integers.
    assert_eq!(
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags) },
        0
    );
}
