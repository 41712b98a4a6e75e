//! A table of descriptors for one thread alone.
//!
//! The limit of open descriptors holds for a table. A thread with a table of its own can
//! accept connections while the rest of the process has no descriptor left, and a program
//! that closes all descriptors does not close that thread's.

use std::os::fd::RawFd;

use libc::c_uint;

/// The maximum number of descriptors that a thread may keep.
const MOST: usize = 16;

/// Gives the calling thread a table of its own with nothing but `kept` in it. Returns
/// `false`, and changes nothing, if the kernel (before Linux 5.9) or a filter refuses.
///
/// Every other descriptor stays open for the other threads, and is closed for this one.
pub(crate) fn keep_only(kept: &[RawFd]) -> bool {
    let mut numbers = [c_uint::MAX; MOST];
    if kept.is_empty() || kept.len() > MOST {
        return false;
    }
    for (number, fd) in numbers.iter_mut().zip(kept) {
        *number = fd.unsigned_abs();
    }
    let numbers = &mut numbers[..kept.len()];
    numbers.sort_unstable();
    let last = numbers[numbers.len() - 1];
    // One step: the kernel copies the table, closes the range in the copy, and only then
    // lets the thread use it.
    if !close_range(last + 1, c_uint::MAX, libc::CLOSE_RANGE_UNSHARE) {
        return false;
    }
    // The table is this thread's from here on.
    let mut first = 0;
    for number in numbers {
        if first < *number {
            close_range(first, *number - 1, 0);
        }
        first = *number + 1;
    }
    true
}

fn close_range(first: c_uint, last: c_uint, flags: c_uint) -> bool {
    // SAFETY: three integers. Callers close descriptors of a table that is theirs alone.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) == 0 }
}
