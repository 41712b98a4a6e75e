//! Memory, as the system counts it.

/// Bytes of a page of the usual size.
pub(crate) fn page_size() -> u64 {
    4096
}
