//! Writes that raise no signal.
//!
//! A pipe without a reader raises SIGPIPE, and a file at `RLIMIT_FSIZE` SIGXFSZ, also a file in
//! memory. Either would end a program that has left it at its default action.

use deadstop_core::sys::{SignalMask, SignalSet};

const RAISED: SignalSet = SignalSet::from_bits(1 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1));

/// Calls `write`. The calling thread gets no signal for its errors. Async-signal-safe.
pub(crate) fn quietly<R>(write: impl FnOnce() -> R) -> R {
    let mask = SignalMask::block(RAISED);
    let before = SignalMask::pending();
    let result = write();
    // A signal that was pending before is the program's own.
    let own = SignalMask::pending().intersection(RAISED).without(before);
    if !own.is_empty() {
        SignalMask::take(own);
    }
    mask.restore();
    result
}
