//! `errno`, put back as it was.

use ::core::ffi::c_int;
use ::core::ops::Drop;

/// The calling thread's `errno` at the time this was made, put back on drop.
///
/// A handler that leaves another `errno` behind makes the code it interrupted
/// misread the call it had just made. Async-signal-safe.
pub(crate) struct Errno(c_int);

impl Errno {
    pub(crate) fn save() -> Self {
        // SAFETY: no precondition; glibc and musl return the address of the
        // calling thread's own `errno`.
        let place = unsafe { ::libc::__errno_location() };
        // SAFETY: that address is valid for as long as the thread lives.
        Self(unsafe { place.read() })
    }
}

/// What the calling thread's last call that failed has left.
pub(super) fn last() -> c_int {
    // SAFETY: no precondition, as in `save`.
    let place = unsafe { ::libc::__errno_location() };
    // SAFETY: that address is valid for as long as the thread lives.
    unsafe { place.read() }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: as in `save`.
        let place = unsafe { ::libc::__errno_location() };
        // SAFETY: that address is valid for as long as the thread lives, and
        // no other thread writes to it.
        unsafe { place.write(self.0) };
    }
}
