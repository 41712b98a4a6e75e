//! `CLOCK_UPTIME_RAW`, which stands still while the machine sleeps, as `CLOCK_MONOTONIC`
//! does on Linux. On macOS that one runs on. `std::time::Instant` reads this clock too.

use core::ffi::c_int;

use crate::sys::Nanos;

/// Reads the clock. Async-signal-safe.
pub fn now() -> Nanos {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes. The clock exists since macOS 10.12.
    unsafe { libc::clock_gettime(libc::CLOCK_UPTIME_RAW, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

// The crate `libc` has deprecated its own.
unsafe extern "C" {
    /// Writes the length of a tick in nanoseconds, as a fraction.
    fn mach_timebase_info(fraction: *mut [u32; 2]) -> c_int;
}

/// Returns the same point in time in the ticks of `mach_absolute_time`, rounded up, or the
/// latest that fits.
pub(super) fn ticks(at: Nanos) -> u64 {
    let mut fraction = [1, 1];
    // SAFETY: the pointer is valid for writes of two integers.
    unsafe { mach_timebase_info(&raw mut fraction) };
    let [numerator, denominator] = fraction.map(u128::from);
    let scaled = u128::from(at.0).saturating_mul(denominator);
    let ticks = scaled.saturating_add(numerator.saturating_sub(1));
    let ticks = ticks.checked_div(numerator).unwrap_or(u128::MAX);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}
