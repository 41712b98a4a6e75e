//! The last call of the process.

use core::ffi::c_int;

use super::process::pid;
use super::signal_actions::set_default_action;
use super::signal_mask::SignalMask;
use crate::sys::SignalSet;

/// Ends the process now, with `status`, from any thread.
///
/// No destructor, `atexit` handler or flush runs: one of those may be what hangs.
/// Async-signal-safe.
pub fn terminate(status: c_int) -> ! {
    // SAFETY: an integer. POSIX lists it as async-signal-safe.
    unsafe { libc::_exit(status) }
}

/// Ends the process by `signal`'s default action, as if the program had never
/// handled it, so that its parent sees the signal. Async-signal-safe.
pub fn end_by_signal(signal: c_int) -> ! {
    set_default_action(signal);
    SignalMask::unblock(SignalSet::EMPTY.with(signal));
    // SAFETY: kill(2) takes two integers. POSIX: a signal to the own process that the
    // calling thread does not block is delivered before the call returns, unless another
    // thread takes it.
    unsafe { libc::kill(pid(), signal) };
    terminate(128_i32.wrapping_add(signal))
}
