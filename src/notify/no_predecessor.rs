//! Listeners are handed over on Linux alone.

/// Does nothing.
pub(crate) fn adopt_ready_descriptor() {}

/// Does nothing.
pub(crate) fn announce_ready() {}

/// Returns `false`.
pub(crate) fn has_predecessor() -> bool {
    false
}
