//! A set of signals, as one word.

use core::ffi::c_int;

/// A set of signals, as bits: signal `n` is bit `n - 1`, up to 64.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// The set of no signals.
    pub const EMPTY: Self = Self(0);

    /// The set of all 64 signals.
    pub const ALL: Self = Self(u64::MAX);

    /// Returns this set and `signal`. A number outside 1 to 64 is left out.
    #[must_use]
    pub fn with(self, signal: c_int) -> Self {
        match u32::try_from(signal.wrapping_sub(1)) {
            Ok(bit @ 0..64) => Self(self.0 | 1_u64.wrapping_shl(bit)),
            _ => self,
        }
    }

    /// Returns the signals that are in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the signals of this set that `other` does not have.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the signals that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the set as a word, for an atomic to hold.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Returns the set that [`bits`](Self::bits) made a word of.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns `true` if the set has no signal.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns `true` if the set has `signal`.
    pub fn has(self, signal: c_int) -> bool {
        self.with(signal).0 == self.0
    }

    /// Returns the numbers of its signals, lowest first.
    pub fn numbers(self) -> impl Iterator<Item = c_int> {
        (1..=64).filter(move |&signal| self.has(signal))
    }
}
