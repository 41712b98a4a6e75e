//! The checks of the signal handlers that were made, and whether one has warned.
//!
//! # Orderings
//!
//! One word; nothing is passed on with it.

use std::sync::atomic::{AtomicU8, Ordering};

/// An occasion on which the signal handlers are checked.
#[derive(Clone, Copy)]
pub(super) enum HandlerCheck {
    /// The program's first wait for the request.
    WaitForRequest = 1,
    /// The program's first wait for the end.
    WaitForEnd = 2,
}

/// Set once a check has warned: no other check follows.
const WARNED: u8 = 4;

/// The checks that were made.
#[derive(Default)]
pub(super) struct HandlerChecks(AtomicU8);

impl HandlerChecks {
    /// Returns `true` if `check` was not made, and no other has warned.
    #[inline]
    pub(super) fn is_due(&self, check: HandlerCheck) -> bool {
        self.0.load(Ordering::Relaxed) & (check as u8 | WARNED) == 0
    }

    pub(super) fn note(&self, check: HandlerCheck) {
        self.0.fetch_or(check as u8, Ordering::Relaxed);
    }

    /// Returns `true` for the first caller: the one that warns.
    pub(super) fn is_first_to_warn(&self) -> bool {
        self.0.fetch_or(WARNED, Ordering::Relaxed) & WARNED == 0
    }
}
