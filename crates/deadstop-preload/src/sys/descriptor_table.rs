//! The table of descriptors that a thread uses.
//!
//! The limit of open descriptors holds for a table. A program that leaks descriptors has none
//! left, and this library's threads could read nothing from `/proc`.

use core::ffi::c_uint;

use super::descriptor;

/// Standard input, output and error stay.
const FIRST_CLOSED: c_uint = 3;

/// The table of the calling thread, which is one of this library's.
#[derive(Debug)]
pub(crate) struct DescriptorTable {
    is_own: bool,
}

impl DescriptorTable {
    /// The table of the process.
    pub(crate) const fn shared() -> Self {
        Self { is_own: false }
    }

    /// Gives the calling thread a table of its own, with standard input, output and error, if
    /// the limit of open descriptors is reached. Does nothing before Linux 5.9.
    ///
    /// Every other file stays open for the other threads alone.
    pub(crate) fn leave_if_full(&mut self) {
        if self.is_own || descriptor::is_one_left() {
            return;
        }
        let flags: c_uint = libc::CLOSE_RANGE_UNSHARE;
        // SAFETY: three integers. The kernel copies the table, and closes the range in the copy.
        let result =
            unsafe { libc::syscall(libc::SYS_close_range, FIRST_CLOSED, c_uint::MAX, flags) };
        self.is_own = result == 0;
    }

    /// Returns `true` if no other thread can use the descriptors of this one.
    pub(crate) fn is_own(&self) -> bool {
        self.is_own
    }
}
