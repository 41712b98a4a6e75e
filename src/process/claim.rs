//! A lock that refuses instead of waiting, and that a child of `fork` finds free.
//!
//! # Orderings
//!
//! A [`Claim`] is taken by an `AcqRel` exchange and released by a `Release` store:
//! the next holder sees what the one before has written.

use std::sync::atomic::{AtomicU32, Ordering};

use super::generation;

/// The right to do one thing at a time, which no thread waits for. A child of
/// `fork` finds it free, whatever its parent was doing.
#[derive(Debug)]
pub(crate) struct Claim(AtomicU32);

/// Gives the right back when dropped.
#[derive(Debug)]
pub(crate) struct Claimed<'a>(&'a Claim);

impl Claim {
    pub(crate) const fn free() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Takes the right; `None` if another thread of this process has it.
    pub(crate) fn take(&self) -> Option<Claimed<'_>> {
        let own = generation();
        let holder = self.0.load(Ordering::Acquire);
        if holder == own {
            return None;
        }
        let taken = self
            .0
            .compare_exchange(holder, own, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok().then(|| Claimed(self))
    }
}

impl Claimed<'_> {
    /// Keeps the right for good.
    #[cfg(all(target_os = "linux", feature = "shutdown"))]
    pub(crate) fn keep(self) {
        let _kept = std::mem::ManuallyDrop::new(self);
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        self.0.0.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claim_is_refused_while_it_is_held() {
        let claim = Claim::free();
        let held = claim.take().unwrap();
        assert!(claim.take().is_none());
        drop(held);
        assert!(claim.take().is_some());
    }

    #[test]
    fn claim_held_by_an_earlier_generation_is_free() {
        let claim = Claim(AtomicU32::new(generation().wrapping_add(1)));
        assert!(claim.take().is_some());
    }
}
