//! Which signals a thread hears, and what the process does on one.

use ::core::convert::TryFrom;
use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::mem::MaybeUninit;
use ::core::option::Option::{self, None, Some};
use ::core::ptr;
use ::core::result::Result::Ok;

/// A set of signals, as bits: signal `n` is bit `n - 1`, up to 64.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(crate) struct SignalSet(u64);

impl SignalSet {
    pub(crate) const EMPTY: Self = Self(0);

    /// This set and `signal`. A number that is no signal's is left out.
    #[must_use]
    pub(crate) fn with(self, signal: c_int) -> Self {
        match u32::try_from(signal.wrapping_sub(1)) {
            Ok(bit @ 0..64) => Self(self.0 | 1_u64.wrapping_shl(bit)),
            _ => self,
        }
    }

    /// What is in either.
    #[must_use]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set as a word, for an atomic to carry.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn has(self, signal: c_int) -> bool {
        self.with(signal).0 == self.0
    }

    /// The numbers of its signals, lowest first.
    pub(crate) fn numbers(self) -> impl Iterator<Item = c_int> {
        (1..=64).filter(move |&signal| self.has(signal))
    }

    fn to_sigset(self) -> ::libc::sigset_t {
        let mut set = no_signals();
        for signal in self.numbers() {
            // SAFETY: the set is initialised. A number that libc keeps to
            // itself is an error, and stays out.
            unsafe { ::libc::sigaddset(&raw mut set, signal) };
        }
        set
    }
}

/// The calling thread's signal mask as it was.
pub(crate) struct Mask(::libc::sigset_t);

impl Mask {
    /// Blocks every signal for the calling thread, and for the threads that it
    /// starts. A thread that hears no signal runs nobody's handler.
    pub(crate) fn block_all() -> Self {
        Self::change(::libc::SIG_SETMASK, &all_signals())
    }

    /// Blocks the signals of `set`, besides those blocked already.
    pub(crate) fn block(set: SignalSet) -> Self {
        Self::change(::libc::SIG_BLOCK, &set.to_sigset())
    }

    /// Blocks every signal but those of `set`.
    pub(crate) fn hear_only(set: SignalSet) {
        Self::change(::libc::SIG_SETMASK, &all_signals());
        Self::hear(set);
    }

    /// Blocks no signal. Async-signal-safe.
    pub(crate) fn hear_all() {
        Self::change(::libc::SIG_SETMASK, &no_signals());
    }

    /// Lets the signals of `set` through to the calling thread.
    /// Async-signal-safe.
    pub(crate) fn hear(set: SignalSet) {
        Self::change(::libc::SIG_UNBLOCK, &set.to_sigset());
    }

    /// The mask as it is.
    pub(crate) fn current() -> Self {
        Self::change(::libc::SIG_BLOCK, &no_signals())
    }

    /// Makes this the calling thread's mask.
    pub(crate) fn restore(&self) {
        Self::change(::libc::SIG_SETMASK, &self.0);
    }

    /// Gives `signal` its default action. Async-signal-safe.
    pub(super) fn default_action(signal: c_int) {
        // SAFETY: all zeroes are a `sigaction` with no flags, an empty mask and
        // `SIG_DFL`.
        let action = unsafe { MaybeUninit::<::libc::sigaction>::zeroed().assume_init() };
        // SAFETY: the first pointer is valid for reads, and the second may be
        // null. A signal that cannot have an action is an error, not a hazard.
        unsafe { ::libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    }

    fn change(how: c_int, set: &::libc::sigset_t) -> Self {
        let mut before = MaybeUninit::<::libc::sigset_t>::zeroed();
        // SAFETY: the first pointer is valid for reads and the second for
        // writes. The call fails only for a `how` that does not exist.
        unsafe { ::libc::pthread_sigmask(how, set, before.as_mut_ptr()) };
        // SAFETY: zeroed, and now written; a set is a plain array of integers.
        Self(unsafe { before.assume_init() })
    }
}

fn no_signals() -> ::libc::sigset_t {
    let mut set = MaybeUninit::<::libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { ::libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: zeroed, and now written; a set is a plain array of integers.
    unsafe { set.assume_init() }
}

/// All but the two that glibc keeps for itself: `setuid` has every thread run a
/// handler of glibc's, and would wait for ever for one that blocked it.
fn all_signals() -> ::libc::sigset_t {
    let mut set = no_signals();
    // SAFETY: the pointer is valid for writes.
    unsafe { ::libc::sigfillset(&raw mut set) };
    set
}

/// The real-time signals that libc leaves to programs, highest first.
pub(super) fn real_time_signals() -> impl Iterator<Item = c_int> {
    (::libc::SIGRTMIN()..=::libc::SIGRTMAX()).rev()
}

/// Sets `handler` for `signal`, if nobody has: `None` where somebody had, and
/// where the kernel refuses.
pub(super) fn handle_if_free(signal: c_int, handler: extern "C" fn(c_int)) -> Option<()> {
    let mut current = MaybeUninit::<::libc::sigaction>::zeroed();
    // SAFETY: a null action only asks, and the second pointer is valid for
    // writes.
    let asked = unsafe { ::libc::sigaction(signal, ptr::null(), current.as_mut_ptr()) };
    // SAFETY: zeroed, and possibly written; zeroes are a value of it.
    let mut action = unsafe { current.assume_init() };
    if asked != 0 || action.sa_sigaction != ::libc::SIG_DFL {
        return None;
    }
    action.sa_sigaction = handler as *const () as ::libc::sighandler_t;
    action.sa_flags = ::libc::SA_RESTART;
    // SAFETY: the pointer is valid for reads, and the handler stays valid for
    // the life of the process.
    match unsafe { ::libc::sigaction(signal, &raw const action, ptr::null_mut()) } {
        0 => Some(()),
        _ => None,
    }
}
