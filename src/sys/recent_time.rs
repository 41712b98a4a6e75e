//! The time of some milliseconds ago, for what is measured in seconds.

use deadstop_core::Nanos;

/// Returns the clock's time at its last tick: up to 10 ms before
/// [`now`](deadstop_core::now), and several times faster to read. Never later than `now`.
#[cfg(target_os = "linux")]
pub(crate) fn recent() -> Nanos {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    if result != 0 {
        return deadstop_core::now();
    }
    // The fields have 32 bits on some processors.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Returns the time.
#[cfg(not(target_os = "linux"))]
pub(crate) fn recent() -> Nanos {
    deadstop_core::now()
}
