//! A point in time on the monotonic clock, as one word.

use core::time::Duration;

/// A reading of the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The last point in time that can be a deadline, some 584 years after the
    /// clock's zero. One word is left over, for "unarmed".
    pub const LAST: Self = Self(u64::MAX.wrapping_sub(1));

    /// Returns the point `length` later, or [`LAST`](Self::LAST).
    pub const fn saturating_add(self, length: Duration) -> Self {
        let length = length.as_nanos();
        let rest = Self::LAST.0.saturating_sub(self.0);
        if length < rest as u128 {
            Self(self.0.wrapping_add(length as u64))
        } else {
            Self::LAST
        }
    }

    /// Returns the point `length` earlier, or the clock's zero.
    pub const fn saturating_sub(self, length: Duration) -> Self {
        let length = length.as_nanos();
        if length < self.0 as u128 {
            Self(self.0.wrapping_sub(length as u64))
        } else {
            Self(0)
        }
    }

    /// Returns the length from `earlier` to here; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<Nanos> for u64 {
    fn from(at: Nanos) -> Self {
        at.0
    }
}
