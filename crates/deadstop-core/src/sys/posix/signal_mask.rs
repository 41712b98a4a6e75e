//! Signal masks of threads.

use core::ffi::c_int;
use core::mem::MaybeUninit;

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

    /// Returns the signals that are pending for the calling thread or for the process.
    /// Async-signal-safe.
    pub fn pending() -> SignalSet {
        let mut pending = no_signals();
        // SAFETY: the pointer is valid for writes.
        unsafe { libc::sigpending(&raw mut pending) };
        Self(pending).blocked()
    }

    /// Takes a pending signal of `set`, all of which the calling thread must block. It waits
    /// if there is none.
    pub fn take(set: SignalSet) {
        let set = sigset(set);
        let mut taken = 0;
        // SAFETY: the first pointer is valid for reads and the second for writes.
        unsafe { libc::sigwait(&raw const set, &raw mut taken) };
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
