//! Memory, as the system counts it.

/// Bytes of a page of the usual size.
pub(crate) fn page_size() -> u64 {
    // SAFETY: `sysconf` takes an integer and asks for nothing else.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}
