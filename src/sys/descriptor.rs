//! Rights of descriptors and of the process.

use std::os::fd::{AsRawFd, BorrowedFd};

/// The flag of a descriptor that was opened by its path alone.
#[cfg(target_os = "linux")]
const PATH_ALONE: i32 = libc::O_PATH;
#[cfg(not(target_os = "linux"))]
const PATH_ALONE: i32 = 0;

/// Returns `true` if the descriptor itself may be written: not one that was
/// opened for reading, or by its path alone.
pub(crate) fn descriptor_is_writable(descriptor: BorrowedFd<'_>) -> bool {
    // SAFETY: two integers; the descriptor is open.
    let flags = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFL) };
    let access = flags & libc::O_ACCMODE;
    flags >= 0 && flags & PATH_ALONE == 0 && matches!(access, libc::O_WRONLY | libc::O_RDWR)
}

/// Returns `true` if the process has rights that its caller does not have
/// (`AT_SECURE`), as a set-user-id program.
#[cfg(target_os = "linux")]
pub(crate) fn process_is_secure() -> bool {
    // SAFETY: an integer.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Returns `true` if the process has rights that its caller does not have, as a set-user-id
/// program.
#[cfg(not(target_os = "linux"))]
pub(crate) fn process_is_secure() -> bool {
    // SAFETY: no precondition.
    unsafe { libc::issetugid() != 0 }
}
