//! Converts the core's time to `Instant`.

use std::fmt;
use std::time::Instant;

use deadstop_core::Nanos;

/// One point in time on two clocks: `Instant` is the same clock as `Nanos`, but
/// `std` shows only differences.
#[derive(Clone, Copy)]
pub(crate) struct Anchor {
    instant: Instant,
    nanos: Nanos,
}

impl Anchor {
    pub(crate) fn cast() -> Self {
        // In this order, so that an `Instant` made from it is never later than
        // the point it stands for.
        let instant = Instant::now();
        let nanos = deadstop_core::now();
        Self { instant, nanos }
    }

    pub(crate) fn instant(&self, at: Nanos) -> Instant {
        match at >= self.nanos {
            true => self.instant + at.since(self.nanos),
            false => self.instant - self.nanos.since(at),
        }
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.instant.fmt(f)
    }
}
