//! `CLOCK_MONOTONIC`.
//!
//! The clock cannot be set, it runs while the process is stopped and stands still
//! while the machine is suspended, and all processes share it. On the machines
//! that this crate was measured on, reading it takes no system call.

use core::ffi::c_int;
use core::time::Duration;

use super::bypass::{bypass_replaced_clock, is_bypassed};
use crate::sys::Nanos;

/// Reads the clock. Async-signal-safe.
#[inline(never)] // 150 bytes in each of some forty functions.
pub fn now() -> Nanos {
    let mut time = ZERO;
    // SAFETY: the pointer is valid for writes. The call has no error to report:
    // the clock exists wherever this backend is chosen.
    unsafe { read(libc::CLOCK_MONOTONIC, &raw mut time) };
    nanos(&time)
}

/// Returns the clock's time at its last tick: up to 10 ms before [`now`], and several times
/// faster to read. Never later than `now`. Async-signal-safe.
pub fn recent() -> Nanos {
    let mut time = ZERO;
    // SAFETY: the pointer is valid for writes.
    match unsafe { read(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) } {
        0 => nanos(&time),
        _ => now(),
    }
}

/// Reads a clock. Returns 0, or -1 for one that does not exist. Async-signal-safe.
///
/// # Safety
///
/// `time` must be valid for a write.
pub(super) unsafe fn read(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    if bypass_replaced_clock(is_replaced) {
        // SAFETY: the caller's contract.
        let result = unsafe { read_kernels(clock, time) };
        if result == 0 {
            return 0;
        }
        // A seccomp filter may refuse the call; libc's function needs none.
    }
    // SAFETY: the caller's contract.
    unsafe { libc::clock_gettime(clock, time) }
}

/// Reads a clock by a system call.
///
/// # Safety
///
/// `time` must be valid for a write.
#[cold]
unsafe fn read_kernels(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    // SAFETY: the caller's contract. The kernel's type is libc's.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as c_int }
}

/// Returns `true` if another library has replaced libc's clock: one that is ahead of the
/// kernel's or behind it, or stands still. Async-signal-safe.
#[cold]
fn is_replaced() -> bool {
    let mut before = Nanos(0);
    for is_kernels in [true, false, true, false, true] {
        match reading(is_kernels) {
            Some(time) if time < before => return true,
            Some(time) => before = time,
            // A seccomp filter refuses the call.
            None => return false,
        }
    }
    false
}

/// Reads the kernel's clock, or libc's. Async-signal-safe.
#[inline(never)] // Not in an unrolled loop.
fn reading(is_kernels: bool) -> Option<Nanos> {
    let mut time = ZERO;
    let clock = libc::CLOCK_MONOTONIC;
    let result = match is_kernels {
        // SAFETY: the pointer is valid for writes.
        true => unsafe { read_kernels(clock, &raw mut time) },
        // SAFETY: as above.
        false => unsafe { libc::clock_gettime(clock, &raw mut time) },
    };
    (result == 0).then(|| nanos(&time))
}

const ZERO: libc::timespec = libc::timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

fn nanos(time: &libc::timespec) -> Nanos {
    // The fields have 32 bits on some processors.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Sleeps until `length` has passed on the kernel's clock, or a signal comes.
#[cold]
pub(super) fn sleep(length: Duration) {
    let length = timespec(Nanos(0).saturating_add(length));
    let rest = core::ptr::null_mut::<libc::timespec>();
    if is_bypassed() {
        // SAFETY: the first pointer is valid for reads, and the second may be null. The kernel's
        // type is libc's.
        unsafe { libc::syscall(libc::SYS_nanosleep, &raw const length, rest) };
        return;
    }
    // SAFETY: as above.
    unsafe { libc::nanosleep(&raw const length, rest) };
}

/// Returns the same point in time as the kernel's type.
///
/// A point that the type cannot hold (a `time_t` of 32 bits) becomes the latest
/// that it can.
pub(super) fn timespec(at: Nanos) -> libc::timespec {
    let seconds = at.0.wrapping_div(1_000_000_000);
    let nanos = at.0.wrapping_rem(1_000_000_000);
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // By assignment: `libc` has deprecated the name of the first field's type for musl.
    time.tv_sec = seconds.try_into().unwrap_or(i32::MAX.into());
    time.tv_nsec = nanos.try_into().unwrap_or_default();
    time
}
