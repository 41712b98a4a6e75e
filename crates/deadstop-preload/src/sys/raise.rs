//! A signal to this process, or to one of its threads.

use core::ffi::c_int;

/// Sends `signal` to the process. Async-signal-safe.
pub(crate) fn to_process(signal: c_int) {
    // SAFETY: kill(2) takes two integers.
    unsafe { libc::syscall(libc::SYS_kill, deadstop_core::pid(), signal) };
}

/// Sends `signal` to the thread `tid` of this process. Returns `false` if there is no
/// such thread. Async-signal-safe.
pub(crate) fn to_thread(tid: c_int, signal: c_int) -> bool {
    // SAFETY: tgkill(2) takes three integers.
    unsafe { libc::syscall(libc::SYS_tgkill, deadstop_core::pid(), tid, signal) == 0 }
}

/// Kills the process of which `pidfd` is a descriptor. Async-signal-safe.
pub(crate) fn kill(pidfd: c_int) {
    let no_info = core::ptr::null::<libc::siginfo_t>();
    // SAFETY: pidfd_send_signal(2) takes integers, and a pointer that may be null.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd,
            libc::SIGKILL,
            no_info,
            0,
        )
    };
}

/// Sleeps until a point of the monotonic clock.
pub(crate) fn sleep_until(at: deadstop_core::Nanos) {
    let nothing = deadstop_core::EventCount::new();
    while deadstop_core::now() < at {
        nothing.wait_past(0, Some(at));
    }
}
