//! System calls in place of the C library's functions.
//!
//! Another library may replace `clock_gettime` and the functions of timers. Those of
//! libfaketime use thread-local storage, which a thread made by a bare `clone` does not have.
//! Its clock is decades ahead of the kernel's, which a wait would not end before.

use core::sync::atomic::{AtomicU8, Ordering};

/// One of the three values below.
static BYPASS: AtomicU8 = AtomicU8::new(UNDECIDED);

const UNDECIDED: u8 = 0;
const LIBC: u8 = 1;
const KERNEL: u8 = 2;

/// The kernel's types are the C library's.
const IS_POSSIBLE: bool = cfg!(target_pointer_width = "64");

/// Makes clocks, timers and [`pid`](super::pid) call the kernel directly in this process. For
/// a library that is preloaded, before it creates its first timer.
///
/// Does nothing where words have 32 bits: the kernel's types differ from the C library's there.
pub fn bypass_libc() {
    decide(KERNEL);
}

/// Does the same if `is_replaced`: the C library's clock is not the kernel's. Asks once in a
/// process. Returns [`is_bypassed`]. Async-signal-safe.
pub(super) fn bypass_replaced_clock(is_replaced: fn() -> bool) -> bool {
    match BYPASS.load(Ordering::Relaxed) {
        LIBC => false,
        KERNEL => true,
        _ => decide_by(is_replaced),
    }
}

#[cold]
fn decide_by(is_replaced: fn() -> bool) -> bool {
    decide(if is_replaced() { KERNEL } else { LIBC });
    is_bypassed()
}

/// The first decision stands: readings of two clocks must not be mixed.
fn decide(decision: u8) {
    let decision = if IS_POSSIBLE { decision } else { LIBC };
    let _ = BYPASS.compare_exchange(UNDECIDED, decision, Ordering::Relaxed, Ordering::Relaxed);
}

/// Returns `true` if the kernel is called directly. Async-signal-safe.
pub(super) fn is_bypassed() -> bool {
    BYPASS.load(Ordering::Relaxed) == KERNEL
}
