//! The unwinder that the reporter uses and the symbolizer replaces.
//!
//! The reporter must not wait: it takes the lock if it is free, which it always
//! lasts for an exchange. The symbolizer allocates before that,
//! and frees after.

use std::mem;
use std::sync::{Mutex, TryLockError};
use std::thread;

use super::unwinder::Unwinder;

/// The number of the reporter's tries. The exchange is over after the second one,
/// unless the symbolizer lost its processor in the middle of it.
const TRIES: u32 = 100;

/// An unwinder for two threads.
pub(super) struct SharedUnwinder(Mutex<Unwinder>);

impl SharedUnwinder {
    pub(super) fn new(unwinder: Unwinder) -> Self {
        Self(Mutex::new(unwinder))
    }

    /// Calls `act` with the unwinder. `None` if another thread has it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&Unwinder) -> T) -> Option<T> {
        for _ in 0..TRIES {
            match self.0.try_lock() {
                Ok(unwinder) => return Some(act(&unwinder)),
                // A walk that panicked has left it as it was.
                Err(TryLockError::Poisoned(unwinder)) => {
                    return Some(act(&unwinder.into_inner()));
                }
                Err(TryLockError::WouldBlock) => thread::yield_now(),
            }
        }
        None
    }

    /// Replaces the unwinder.
    pub(super) fn replace(&self, mut unwinder: Unwinder) {
        let mut current = match self.0.lock() {
            Ok(current) => current,
            Err(poisoned) => poisoned.into_inner(),
        };
        mem::swap(&mut *current, &mut unwinder);
        drop(current);
        // Frees the old one here, without the lock.
        drop(unwinder);
    }
}
