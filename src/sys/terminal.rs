//! The size of a terminal.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Returns the rows and columns of the terminal that `descriptor` stands for; `None` if it is not
/// one, or does not say.
pub(crate) fn size(descriptor: BorrowedFd<'_>) -> Option<(u16, u16)> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    let number = descriptor.as_raw_fd();
    // SAFETY: this request writes a `winsize`, for which the pointer is valid.
    if unsafe { libc::ioctl(number, libc::TIOCGWINSZ, size.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: zeroed, and now written; all fields are integers.
    let size = unsafe { size.assume_init() };
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}
