//! `CLOCK_MONOTONIC`.

use crate::sys::Nanos;

/// Reads the clock. Async-signal-safe.
pub fn now() -> Nanos {
    let mut time = timespec(Nanos(0));
    // SAFETY: the pointer is valid for writes. The clock exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Returns the same point in time as the kernel's type, or the latest that it can hold.
pub(super) fn timespec(at: Nanos) -> libc::timespec {
    let seconds = at.0.wrapping_div(1_000_000_000);
    let nanos = at.0.wrapping_rem(1_000_000_000);
    libc::timespec {
        tv_sec: seconds.try_into().unwrap_or(i32::MAX.into()),
        tv_nsec: nanos.try_into().unwrap_or_default(),
    }
}
