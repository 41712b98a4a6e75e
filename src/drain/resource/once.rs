//! A value that one of several threads takes.

use crate::primitives::Mutex;

/// A value that one of several threads takes: what closes a resource, which the shutdown
/// and the application may do at the same time.
pub(super) struct Once<T>(Mutex<Option<T>>);

impl<T> Once<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    /// Returns the value to the first caller.
    pub(super) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}
