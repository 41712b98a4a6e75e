//! Signal masks of threads.
//!
//! The kernel's mask is one word. libc's has room for 1,024 signals, and each of its functions
//! on a set would be a loop over 128 bytes.

use core::ffi::c_int;
use core::mem::{MaybeUninit, size_of};

use crate::sys::SignalSet;

/// A signal mask of the calling thread.
#[derive(Clone, Copy, Debug)]
pub struct SignalMask(SignalSet);

/// The signals that libc keeps for itself: no thread may block them. `setuid` makes every
/// thread run a handler of libc's, and would wait for ever for a thread that blocks its signal.
const OF_LIBC: SignalSet = SignalSet::from_bits(if cfg!(target_env = "musl") {
    0b111 << 31 // 32, 33 and 34
} else {
    0b11 << 31 // 32 and 33
});

impl SignalMask {
    /// Blocks every signal for the calling thread and the threads that it
    /// starts, and returns the mask from before. A thread that blocks a signal
    /// does not run its handler. Async-signal-safe.
    #[inline]
    pub fn block_all() -> Self {
        Self::change(libc::SIG_SETMASK, SignalSet::ALL)
    }

    /// Blocks the signals of `set` in addition to those that are blocked, and
    /// returns the mask from before. Async-signal-safe.
    #[inline]
    pub fn block(set: SignalSet) -> Self {
        Self::change(libc::SIG_BLOCK, set)
    }

    /// Blocks every signal except those of `set`.
    #[inline]
    pub fn block_all_except(set: SignalSet) {
        Self::change(libc::SIG_SETMASK, SignalSet::ALL.without(set));
    }

    /// Blocks no signal. Async-signal-safe.
    #[inline]
    pub fn unblock_all() {
        Self::change(libc::SIG_SETMASK, SignalSet::EMPTY);
    }

    /// Unblocks the signals of `set` for the calling thread. Async-signal-safe.
    #[inline]
    pub fn unblock(set: SignalSet) {
        Self::change(libc::SIG_UNBLOCK, set);
    }

    /// Returns the mask.
    #[inline]
    pub fn current() -> Self {
        Self::change(libc::SIG_BLOCK, SignalSet::EMPTY)
    }

    /// Makes `set` the calling thread's mask. Async-signal-safe.
    #[inline]
    pub fn set(set: SignalSet) {
        Self::change(libc::SIG_SETMASK, set);
    }

    /// Returns the signals that the mask blocks. Async-signal-safe.
    pub fn blocked(&self) -> SignalSet {
        self.0
    }

    /// Makes this the calling thread's mask. Async-signal-safe.
    #[inline]
    pub fn restore(&self) {
        Self::change(libc::SIG_SETMASK, self.0);
    }

    /// Returns the signals that are pending for the calling thread or for the process.
    /// Async-signal-safe.
    pub fn pending() -> SignalSet {
        let mut pending = libc_set(SignalSet::EMPTY);
        // SAFETY: the pointer is valid for writes of a set.
        unsafe { libc::sigpending(&raw mut pending) };
        first_word(&pending)
    }

    /// Takes a pending signal of `set`, all of which the calling thread must block. It waits
    /// if there is none.
    pub fn take(set: SignalSet) {
        let set = libc_set(set);
        let mut taken = 0;
        // SAFETY: the first pointer is valid for reads of a set, and the second for writes.
        unsafe { libc::sigwait(&raw const set, &raw mut taken) };
    }

    // One copy of the code for libc's large sets.
    #[inline(never)]
    fn change(how: c_int, set: SignalSet) -> Self {
        let set = libc_set(set.without(OF_LIBC));
        let mut before = libc_set(SignalSet::EMPTY);
        // By this function and not by `syscall`: arming needs it, and a library that replaces
        // `syscall` must not keep the backup timer from being set.
        //
        // SAFETY: the pointers are valid for reads and writes of a set. The call fails only for
        // a `how` that does not exist.
        unsafe { libc::pthread_sigmask(how, &raw const set, &raw mut before) };
        Self(first_word(&before))
    }
}

/// Zeroes after the kernel's word.
fn libc_set(set: SignalSet) -> libc::sigset_t {
    const { assert!(size_of::<libc::sigset_t>() >= size_of::<u64>()) };
    let word = in_kernel_order(set.bits());
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes of a set, which begins with the kernel's word.
    unsafe { set.as_mut_ptr().cast::<u64>().write_unaligned(word) };
    // SAFETY: zeroes are a set, and so are all bits of its words.
    unsafe { set.assume_init() }
}

fn first_word(set: &libc::sigset_t) -> SignalSet {
    // SAFETY: the pointer is valid for reads of a set, which begins with the kernel's word.
    let word = unsafe { (&raw const *set).cast::<u64>().read_unaligned() };
    SignalSet::from_bits(in_kernel_order(word))
}

/// The kernel's mask is made of words of the machine, the low one first.
const fn in_kernel_order(bits: u64) -> u64 {
    if cfg!(all(target_endian = "big", target_pointer_width = "32")) {
        bits.rotate_left(32)
    } else {
        bits
    }
}
