//! The process's action on a signal.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

use super::errno;

/// Returns the process's action on `signal`: the address of the handler, `SIG_DFL` or
/// `SIG_IGN`. Async-signal-safe.
///
/// # Errors
///
/// Fails with `EINVAL` for a number that is no signal's.
pub fn action_of(signal: c_int) -> Result<libc::sighandler_t, c_int> {
    let mut current = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null action only asks, and the second pointer is valid for
    // writes.
    if unsafe { libc::sigaction(signal, ptr::null(), current.as_mut_ptr()) } != 0 {
        return Err(errno::last());
    }
    // SAFETY: zeroed, and now written.
    Ok(unsafe { current.assume_init() }.sa_sigaction)
}

/// Gives `signal` its default action. Async-signal-safe.
pub fn set_default_action(signal: c_int) {
    // SAFETY: all zeroes are a `sigaction` with no flags, an empty mask and
    // `SIG_DFL`.
    let action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    // SAFETY: the first pointer is valid for reads, and the second may be null.
    // A signal that cannot have an action is an error, not a hazard.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

/// Sets `handler` for `signal` if its action is the default. Returns `false` if
/// the program handles or ignores the signal, or the kernel refuses.
///
/// The handler runs on the thread's alternate stack if it has one, with every
/// signal blocked; an interrupted system call is restarted where the kernel can
/// do that. It must be async-signal-safe.
pub fn handle_if_free(signal: c_int, handler: extern "C" fn(c_int)) -> bool {
    if action_of(signal) != Ok(libc::SIG_DFL) {
        return false;
    }
    // SAFETY: all zeroes are a `sigaction` with an empty mask.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigfillset(&raw mut action.sa_mask) };
    // SAFETY: the pointer is valid for reads, and the handler stays valid for
    // the life of the process.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) == 0 }
}
