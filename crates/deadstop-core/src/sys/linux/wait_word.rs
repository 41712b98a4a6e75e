//! Waits for a change of a word, by futex(2).

use core::sync::atomic::AtomicU32;

use crate::sys::Nanos;

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
pub(super) fn wait(word: &AtomicU32, seen: u32, until: Option<Nanos>) {
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
    };
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
