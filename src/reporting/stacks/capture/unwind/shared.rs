//! The unwinder that the reporter uses and the symbolizer replaces.
//!
//! The reporter must not wait long for the lock. The symbolizer holds it only while it exchanges
//! two values: it allocates the new unwinder before, and frees the old one after.

use std::mem;

use super::unwinder::Unwinder;
use crate::lock::{Mutex, SHORT_WAIT};

/// An unwinder for two threads.
pub(crate) struct SharedUnwinder(Mutex<Unwinder>);

impl SharedUnwinder {
    pub(crate) fn new(unwinder: Unwinder) -> Self {
        Self(Mutex::new(unwinder))
    }

    /// Calls `act` with the unwinder. `None` if another thread has it.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&Unwinder) -> T) -> Option<T> {
        let unwinder = self.0.try_lock_within(SHORT_WAIT)?;
        Some(act(&unwinder))
    }

    /// Replaces the unwinder.
    pub(crate) fn replace(&self, mut unwinder: Unwinder) {
        mem::swap(&mut *self.0.lock(), &mut unwinder);
        // Frees the old one here, without the lock.
        drop(unwinder);
    }
}
