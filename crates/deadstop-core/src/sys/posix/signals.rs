//! Signal masks of threads, and the process's action on a signal.

use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

use super::errno;
use crate::sys::SignalSet;

/// A signal mask of the calling thread.
#[derive(Clone, Copy)]
pub struct SignalMask(libc::sigset_t);

impl core::fmt::Debug for SignalMask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SignalMask")
    }
}

impl SignalMask {
    /// Blocks every signal for the calling thread and the threads that it
    /// starts, and returns the mask from before. A thread that blocks a signal
    /// does not run its handler.
    pub fn block_all() -> Self {
        Self::change(libc::SIG_SETMASK, &all_signals())
    }

    /// Blocks the signals of `set` in addition to those that are blocked, and
    /// returns the mask from before. Async-signal-safe.
    pub fn block(set: SignalSet) -> Self {
        Self::change(libc::SIG_BLOCK, &sigset(set))
    }

    /// Blocks every signal except those of `set`.
    pub fn block_all_except(set: SignalSet) {
        Self::change(libc::SIG_SETMASK, &all_signals());
        Self::unblock(set);
    }

    /// Blocks no signal. Async-signal-safe.
    pub fn unblock_all() {
        Self::change(libc::SIG_SETMASK, &no_signals());
    }

    /// Unblocks the signals of `set` for the calling thread. Async-signal-safe.
    pub fn unblock(set: SignalSet) {
        Self::change(libc::SIG_UNBLOCK, &sigset(set));
    }

    /// Returns the mask.
    pub fn current() -> Self {
        Self::change(libc::SIG_BLOCK, &no_signals())
    }

    /// Makes `set` the calling thread's mask. Async-signal-safe.
    pub fn set(set: SignalSet) {
        Self::change(libc::SIG_SETMASK, &sigset(set));
    }

    /// Returns the signals that the mask blocks. Async-signal-safe.
    pub fn blocked(&self) -> SignalSet {
        let mut blocked = SignalSet::EMPTY;
        for signal in 1..=64 {
            // SAFETY: the set is initialized. A number outside the set is an
            // error, and is left out.
            if unsafe { libc::sigismember(&raw const self.0, signal) } == 1 {
                blocked = blocked.with(signal);
            }
        }
        blocked
    }

    /// Makes this the calling thread's mask. Async-signal-safe.
    pub fn restore(&self) {
        Self::change(libc::SIG_SETMASK, &self.0);
    }

    fn change(how: c_int, set: &libc::sigset_t) -> Self {
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: the first pointer is valid for reads and the second for
        // writes. The call fails only for a `how` that does not exist.
        unsafe { libc::pthread_sigmask(how, set, before.as_mut_ptr()) };
        // SAFETY: zeroed, and now written; a set is a plain array of integers.
        Self(unsafe { before.assume_init() })
    }
}

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
    action.sa_mask = all_signals();
    // SAFETY: the pointer is valid for reads, and the handler stays valid for
    // the life of the process.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) == 0 }
}

fn sigset(set: SignalSet) -> libc::sigset_t {
    let mut signals = no_signals();
    for signal in set.numbers() {
        // SAFETY: the set is initialized. A number that libc keeps for itself
        // is an error, and stays out.
        unsafe { libc::sigaddset(&raw mut signals, signal) };
    }
    signals
}

fn no_signals() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: zeroed, and now written; a set is a plain array of integers.
    unsafe { set.assume_init() }
}

/// All signals except the two that glibc keeps for itself: `setuid` makes every
/// thread run a handler of glibc, and would wait for ever for a thread that
/// blocks it.
fn all_signals() -> libc::sigset_t {
    let mut set = no_signals();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigfillset(&raw mut set) };
    set
}
