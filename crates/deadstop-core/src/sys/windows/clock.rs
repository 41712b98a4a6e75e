//! The performance counter, which `std::time::Instant` reads too.
//!
//! It cannot be set and runs while the process is suspended. Unlike `CLOCK_MONOTONIC` on
//! Linux it also runs while the machine sleeps: a process that was stopping when the
//! machine went to sleep ends when it wakes. `QueryUnbiasedInterruptTimePrecise` would
//! stand still, but `Instant` would not, and deadlines are shown as `Instant`.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;

use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::Threading::INFINITE;

use crate::sys::Nanos;

/// Ticks in a second; 0 until it is known. It does not change while the system runs.
static FREQUENCY: AtomicI64 = AtomicI64::new(0);

const SECOND: u64 = 1_000_000_000;

/// Reads the clock. Takes no lock.
pub fn now() -> Nanos {
    let mut ticks = 0;
    // SAFETY: the pointer is valid for writes. The call cannot fail since Windows XP.
    unsafe { QueryPerformanceCounter(&raw mut ticks) };
    let frequency = frequency();
    let seconds = ticks.checked_div(frequency).unwrap_or(0);
    let rest = ticks.checked_rem(frequency).unwrap_or(0);
    Nanos(whole(seconds, 1).saturating_add(whole(rest, frequency)))
}

/// Returns the length in whole milliseconds, rounded up, for a wait; the longest is not
/// `INFINITE`.
pub(super) fn milliseconds(length: Duration) -> u32 {
    let most = INFINITE.wrapping_sub(1);
    let whole = length.as_nanos().div_ceil(1_000_000);
    u32::try_from(whole).map_or(most, |whole| whole.min(most))
}

/// Returns `count` parts of a second, of which there are `parts`, in nanoseconds.
fn whole(count: i64, parts: i64) -> u64 {
    let nanos = u128::from(count.unsigned_abs()).saturating_mul(u128::from(SECOND));
    let nanos = nanos.checked_div(u128::from(parts.unsigned_abs()));
    u64::try_from(nanos.unwrap_or(0)).unwrap_or(u64::MAX)
}

fn frequency() -> i64 {
    match FREQUENCY.load(Ordering::Relaxed) {
        0 => {
            let mut frequency = 0;
            // SAFETY: the pointer is valid for writes.
            unsafe { QueryPerformanceFrequency(&raw mut frequency) };
            FREQUENCY.store(frequency, Ordering::Relaxed);
            frequency
        }
        known => known,
    }
}
