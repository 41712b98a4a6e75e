//! System calls in place of the C library's functions.
//!
//! Another library may replace `clock_gettime` and the functions of timers. Those of
//! libfaketime use thread-local storage, which a thread made by a bare `clone` does not have.

use core::sync::atomic::{AtomicBool, Ordering};

static BYPASS: AtomicBool = AtomicBool::new(false);

/// Makes clocks, timers and [`pid`](super::pid) call the kernel directly in this process. For
/// a library that is preloaded, before it creates its first timer.
///
/// Does nothing where words have 32 bits: the kernel's types differ from the C library's there.
pub fn bypass_libc() {
    BYPASS.store(cfg!(target_pointer_width = "64"), Ordering::Relaxed);
}

/// Returns `true` once [`bypass_libc`] was called. Async-signal-safe.
pub(super) fn is_bypassed() -> bool {
    BYPASS.load(Ordering::Relaxed)
}
