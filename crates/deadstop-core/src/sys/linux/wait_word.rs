//! Waits for a change of a word, by futex(2).

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use super::clock::{now, sleep};
use super::errno::last as errno;
use crate::sys::Nanos;

/// The longest sleep in place of a wait that the kernel does not grant.
const SLEEP: Duration = Duration::from_millis(1);

/// Wakes every thread that waits for the word.
pub(super) fn wake_all(word: &AtomicU32) {
    // SAFETY: the pointer is to a live `AtomicU32`. `FUTEX_WAKE` takes two
    // more integers.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            i32::MAX,
        )
    };
}

/// Waits until the word is not `seen`, or the clock reads `until`. May return before
/// either.
///
/// A wait that returns at once, again and again, would keep a processor busy, and the watchdog
/// of a privileged process has one to itself. It is followed by a short sleep: where a filter
/// refuses futex(2), where a library replaces syscall(2), and where one replaces the clock, so
/// that it is before `until` and the kernel's is past it.
#[inline(never)] // Five callers.
pub(super) fn wait(word: &AtomicU32, seen: u32, until: Option<Nanos>) {
    let is_interrupted = wait_once(word, seen, until) != 0 && errno() == libc::EINTR;
    if is_interrupted || word.load(Ordering::Relaxed) != seen {
        return;
    }
    let left = until.map_or(SLEEP, |until| until.since(now()).min(SLEEP));
    if !left.is_zero() {
        sleep(left);
    }
}

/// Calls futex(2); returns what it returns.
fn wait_once(word: &AtomicU32, seen: u32, until: Option<Nanos>) -> core::ffi::c_long {
    let until = until.map(Timeout::at);
    // SAFETY: the pointer is to a live `AtomicU32`, and the timeout is null
    // or valid for reads. With `FUTEX_WAIT_BITSET` the timeout is a reading
    // of `CLOCK_MONOTONIC`, not a length.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
            seen,
            until
                .as_ref()
                .map_or(core::ptr::null(), core::ptr::from_ref),
            core::ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    }
}

/// The kernel's `long`.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "32"))]
type Long = i64;
#[cfg(not(all(target_arch = "x86_64", target_pointer_width = "32")))]
type Long = core::ffi::c_long;

/// The timeout of futex(2): two of the kernel's `long`.
///
/// It is not `libc::timespec`, whose seconds may have 64 bits on a processor of 32: the
/// system call by this number reads words.
#[derive(Debug, Eq, PartialEq)]
#[repr(C)]
struct Timeout {
    seconds: Long,
    nanos: Long,
}

impl Timeout {
    /// Returns the same point in time as the kernel's type, or the latest that it can
    /// hold: 68 years after the clock's zero where a `long` has 32 bits.
    fn at(point: Nanos) -> Self {
        let seconds = point.0.wrapping_div(1_000_000_000);
        let nanos = point.0.wrapping_rem(1_000_000_000);
        Self {
            seconds: seconds.try_into().unwrap_or(Long::MAX),
            nanos: nanos.try_into().unwrap_or_default(),
        }
    }
}
