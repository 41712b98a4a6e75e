//! Listeners are handed over on Linux alone.

/// Does nothing.
pub(crate) fn adopt_ready_descriptor() {}

/// Does nothing.
pub(crate) fn announce_ready() {}

/// Returns `None`.
#[cfg(feature = "health")]
pub(crate) fn ready_descriptor() -> Option<i32> {
    None
}

/// Returns `false`.
#[cfg(feature = "health")]
pub(crate) fn is_predecessor_running() -> bool {
    false
}

/// Returns `false`.
pub(crate) fn has_predecessor() -> bool {
    false
}
