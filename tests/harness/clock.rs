//! The clock that victims read.

#![expect(unsafe_code, reason = "std does not expose its readings")]

use std::mem::MaybeUninit;

/// Reads `CLOCK_MONOTONIC`, which processes share.
pub(crate) fn monotonic_nanos() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    // SAFETY: zeroed, and now written; both fields are integers.
    let time = unsafe { time.assume_init() };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}
