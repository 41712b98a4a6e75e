//! `sigwait`, `sigwaitinfo` and `sigtimedwait`: a thread that waits for the signal in
//! place of a handler.

use core::ffi::c_int;

use libc::{siginfo_t, sigset_t, timespec};

use crate::cause::Trigger;
use crate::settings::SETTINGS;
use crate::sys::next::{Next, missing};
use crate::sys::signal_info;
use crate::watch;

type SigWait = unsafe extern "C-unwind" fn(*const sigset_t, *mut c_int) -> c_int;
type SigWaitInfo = unsafe extern "C-unwind" fn(*const sigset_t, *mut siginfo_t) -> c_int;
type SigTimedWait =
    unsafe extern "C-unwind" fn(*const sigset_t, *mut siginfo_t, *const timespec) -> c_int;

// SAFETY: the type of that function in the C library.
static SIGWAIT: Next<SigWait> = unsafe { Next::new(c"sigwait") };
// SAFETY: the type of that function in the C library.
static SIGWAITINFO: Next<SigWaitInfo> = unsafe { Next::new(c"sigwaitinfo") };
// SAFETY: the type of that function in the C library.
static SIGTIMEDWAIT: Next<SigTimedWait> = unsafe { Next::new(c"sigtimedwait") };

pub(super) fn look_up() {
    SIGWAIT.look_up();
    SIGWAITINFO.look_up();
    SIGTIMEDWAIT.look_up();
}

/// Arms if the wait has returned one of our signals.
unsafe fn heard(signal: c_int, info: *const siginfo_t) {
    if SETTINGS.hears(signal) {
        // SAFETY: null, or filled by the kernel.
        let sender = unsafe { signal_info::sender(info) };
        watch::arm(Trigger::Signal(signal, sender));
    }
}

/// POSIX's `sigwait`. It is a cancellation point.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn sigwait(set: *const sigset_t, signal: *mut c_int) -> c_int {
    let Some(real) = SIGWAIT.function() else {
        return libc::ENOSYS;
    };
    // SAFETY: the caller's contract.
    let result = unsafe { real(set, signal) };
    if result == 0 {
        // SAFETY: the C library has written the number.
        let signal = unsafe { signal.read() };
        // SAFETY: nothing is known of the sender.
        unsafe { heard(signal, core::ptr::null()) };
    }
    result
}

/// POSIX's `sigwaitinfo`. It is a cancellation point.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn sigwaitinfo(set: *const sigset_t, info: *mut siginfo_t) -> c_int {
    let Some(real) = SIGWAITINFO.function() else {
        return missing();
    };
    // SAFETY: the caller's contract.
    let signal = unsafe { real(set, info) };
    // SAFETY: null, or filled if a signal was returned.
    unsafe { heard(signal, info) };
    signal
}

/// POSIX's `sigtimedwait`. It is a cancellation point.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn sigtimedwait(
    set: *const sigset_t,
    info: *mut siginfo_t,
    timeout: *const timespec,
) -> c_int {
    let Some(real) = SIGTIMEDWAIT.function() else {
        return missing();
    };
    // SAFETY: the caller's contract.
    let signal = unsafe { real(set, info, timeout) };
    // SAFETY: null, or filled if a signal was returned.
    unsafe { heard(signal, info) };
    signal
}
