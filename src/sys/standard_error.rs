//! Single lines on descriptor 2, from any place in the process.
//!
//! Number 2 may belong to another file by then: a daemon closes its descriptors
//! and opens a database, which then gets the number. A line is written only to
//! the file that was there at install, or to one that looks like an output: a
//! terminal, or a file that cannot be read from. No duplicate is kept, so the
//! reader of a pipe sees its end when the program closes it.
//!
//! # Orderings
//!
//! The identity is two words that are written at install, before the watchdog is
//! enabled. A reader that sees one of them old compares unequal, and writes
//! nothing.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use super::quiet_write;
use deadstop_core::sys::ErrnoGuard;

static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);

/// Remembers which file standard error is.
pub(crate) fn remember() {
    let (device, inode) = identity().unwrap_or_default();
    DEVICE.store(device, Ordering::Release);
    INODE.store(inode, Ordering::Release);
}

/// Writes `line` with one write(2), if standard error takes it at once. Returns
/// whether it did. Raises no signal. Async-signal-safe; preserves `errno`.
pub(crate) fn write_line(line: &[u8]) -> bool {
    let _errno = ErrnoGuard::save();
    if !(is_the_same_file() || is_an_output()) || !takes_bytes() {
        return false;
    }
    quiet_write::write(number_2(), line).is_ok_and(|written| written == line.len())
}

fn number_2() -> BorrowedFd<'static> {
    // SAFETY: it is used for one write(2) at a time, which refuses a number that is not open.
    unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) }
}

fn is_the_same_file() -> bool {
    let known = (
        DEVICE.load(Ordering::Acquire),
        INODE.load(Ordering::Acquire),
    );
    known != (0, 0) && identity() == Some(known)
}

/// Returns `true` for a terminal and for a file that cannot be read from.
fn is_an_output() -> bool {
    // SAFETY: `isatty` takes an integer, and is a single ioctl(2).
    if unsafe { libc::isatty(libc::STDERR_FILENO) } == 1 {
        return true;
    }
    // SAFETY: `F_GETFL` takes no further argument.
    let flags = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFL) };
    flags >= 0 && flags & libc::O_ACCMODE == libc::O_WRONLY
}

/// Returns `true` if a write would not block now. Another writer may be faster.
fn takes_bytes() -> bool {
    let mut entry = libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: the pointer is to one entry, valid for reads and writes.
    let ready = unsafe { libc::poll(&raw mut entry, 1, 0) };
    ready == 1 && entry.revents & libc::POLLOUT != 0 && entry.revents & libc::POLLERR == 0
}

fn identity() -> Option<(u64, u64)> {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the pointer is valid for writes of one `stat`.
    if unsafe { libc::fstat(libc::STDERR_FILENO, status.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: zeroed, and now written; all fields are integers.
    let status = unsafe { status.assume_init() };
    Some((widen(status.st_dev), widen(status.st_ino)))
}

/// The two have 32 bits, or a sign, on some systems.
fn widen(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or_default()
}
