//! A pointer to a value that is published without a lock and never freed.
//!
//! A child of `fork` inherits a lock as it was at the fork: held for ever, if
//! another thread of the parent held it. State that a child may need is therefore
//! published through one atomic pointer. The price is a leak: a value stays
//! allocated after it is replaced. There is one for each `install`.
//!
//! # Orderings
//!
//! The pointer is written with `Release` and read with `Acquire`, so a reader sees
//! the whole value. `tests/loom/process` fails without either.

#![expect(unsafe_code, reason = "turns a pointer back into a reference")]

use std::ptr;

use crate::primitives::atomic::{AtomicPtr, Ordering};

/// A value that any number of threads may read once it is published.
#[derive(Debug)]
pub(crate) struct Published<T>(AtomicPtr<T>);

impl<T: Send + Sync + 'static> Published<T> {
    /// Creates a place without a value.
    pub(crate) const fn nothing() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Publishes `value` if there is none; returns it otherwise.
    pub(crate) fn publish(&self, value: Box<T>) -> Result<&'static T, Box<T>> {
        self.publish_after(None, value)
    }

    /// Publishes `value` in place of `before`, which stays allocated. Returns it if that is
    /// not what is published now.
    pub(crate) fn publish_after(
        &self,
        before: Option<&'static T>,
        value: Box<T>,
    ) -> Result<&'static T, Box<T>> {
        let old = before.map_or(ptr::null_mut(), |before| ptr::from_ref(before).cast_mut());
        let new = Box::into_raw(value);
        let exchanged = self
            .0
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire);
        match exchanged {
            // SAFETY: `into_raw` made the pointer, and it is never freed from
            // here on, so the reference may live for ever.
            Ok(_) => Ok(unsafe { &*new }),
            // SAFETY: `into_raw` made the pointer, and it was not published: this
            // is the only owner.
            Err(_) => Err(unsafe { Box::from_raw(new) }),
        }
    }

    /// Publishes `value` in place of the one before, which stays allocated.
    pub(crate) fn replace(&self, value: Box<T>) {
        self.0.store(Box::into_raw(value), Ordering::Release);
    }

    /// Returns the value, if there is one. Async-signal-safe.
    pub(crate) fn get(&self) -> Option<&'static T> {
        let value = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer is null or was made by `into_raw`, and a published
        // value is never freed or changed.
        unsafe { value.as_ref() }
    }

    /// Forgets the value, which stays allocated. Async-signal-safe.
    pub(crate) fn clear(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }
}
