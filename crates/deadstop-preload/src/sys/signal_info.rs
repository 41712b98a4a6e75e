//! The sender of a signal.

use core::ffi::c_int;

/// Returns the process that sent the signal, and its user. `None` if the kernel sent
/// it, or `info` is null. Async-signal-safe.
///
/// # Safety
///
/// `info` is null, or was filled by the kernel.
pub(crate) unsafe fn sender(info: *const libc::siginfo_t) -> Option<(c_int, u32)> {
    // SAFETY: by the contract the pointer is null or valid for reads.
    let info = unsafe { info.as_ref() }?;
    // sigaction(2): these codes have the two fields.
    if !matches!(
        info.si_code,
        libc::SI_USER | libc::SI_TKILL | libc::SI_QUEUE
    ) {
        return None;
    }
    // SAFETY: as above.
    let pid = unsafe { info.si_pid() };
    // SAFETY: as above.
    Some((pid, unsafe { info.si_uid() }))
}
