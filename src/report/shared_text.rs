//! A text that a report shares with what it is about.

use std::fmt;
use std::ops::Deref;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

/// A text, or a shared value that contains one: a task's name is part of what the task's
/// thread and its handles share, and the report keeps that.
#[derive(Clone)]
pub(crate) struct SharedText(Arc<dyn AsRef<str> + Send + Sync + RefUnwindSafe>);

impl SharedText {
    /// Returns the text in `value`.
    pub(crate) fn of<T>(value: Arc<T>) -> Self
    where
        T: AsRef<str> + Send + Sync + RefUnwindSafe + 'static,
    {
        Self(value)
    }
}

impl From<String> for SharedText {
    fn from(text: String) -> Self {
        Self::of(Arc::new(text))
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
