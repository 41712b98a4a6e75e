//! Arms the watchdog with the grace of triggers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::process::WATCH;

/// The grace that triggers give, in nanoseconds. One word, with which nothing is
/// passed on, so there is nothing for loom to see.
static GRACE: AtomicU64 = AtomicU64::new(0);

/// Sets the grace that triggers give.
pub(crate) fn set_grace(grace: Duration) {
    let nanos = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
    GRACE.store(nanos, Ordering::Release);
}

/// Arms the watchdog with the grace of triggers. Returns `false` where there is
/// none. Async-signal-safe.
pub(super) fn arm() -> bool {
    WATCH.arm(Duration::from_nanos(GRACE.load(Ordering::Acquire)))
}
