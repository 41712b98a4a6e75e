//! The calling thread's `errno`.

use core::ffi::c_int;

#[cfg(target_os = "linux")]
use libc::__errno_location as location;
#[cfg(any(target_os = "freebsd", target_os = "macos"))]
use libc::__error as location;

/// Restores the calling thread's `errno` on drop.
///
/// A signal handler that changes `errno` makes the code that it interrupted
/// misread its last system call. Async-signal-safe.
#[derive(Debug)]
pub struct ErrnoGuard(c_int);

impl ErrnoGuard {
    /// Saves `errno`.
    pub fn save() -> Self {
        Self(last())
    }
}

impl Drop for ErrnoGuard {
    fn drop(&mut self) {
        // SAFETY: no precondition; the C library returns the address of the
        // calling thread's own `errno`.
        let errno = unsafe { location() };
        // SAFETY: that address is valid for as long as the thread lives, and
        // no other thread writes to it.
        unsafe { errno.write(self.0) };
    }
}

/// Returns the error of the calling thread's last call that failed.
pub(super) fn last() -> c_int {
    // SAFETY: no precondition, as in `drop`.
    let errno = unsafe { location() };
    // SAFETY: that address is valid for as long as the thread lives.
    unsafe { errno.read() }
}
