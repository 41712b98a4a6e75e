//! Windows has no signals that interrupt a thread, and so no masks.

use core::ffi::c_int;

use crate::sys::SignalSet;

/// A mask of no signals.
#[derive(Clone, Copy, Debug)]
pub struct SignalMask;

impl SignalMask {
    /// Does nothing.
    pub fn block_all() -> Self {
        Self
    }

    /// Does nothing.
    pub fn block(_set: SignalSet) -> Self {
        Self
    }

    /// Does nothing.
    pub fn block_all_except(_set: SignalSet) {}

    /// Does nothing.
    pub fn unblock_all() {}

    /// Does nothing.
    pub fn unblock(_set: SignalSet) {}

    /// Returns the mask of no signals.
    pub fn current() -> Self {
        Self
    }

    /// Does nothing.
    pub fn set(_set: SignalSet) {}

    /// Returns the empty set.
    pub fn blocked(&self) -> SignalSet {
        SignalSet::EMPTY
    }

    /// Does nothing.
    pub fn restore(&self) {}
}

/// The numbers that stand for the events of Windows: those of the C library, and of POSIX
/// where it has none.
pub(super) const INTERRUPT: c_int = 2;
