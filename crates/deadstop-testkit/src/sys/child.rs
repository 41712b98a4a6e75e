//! A child process that never ends.

use std::ffi::{c_int, c_uint, c_ulong};
use std::io;

use deadstop_core::sys::SignalMask;

/// Asks the kernel to kill this process, a child of `parent`, when the thread
/// that forked it ends. Async-signal-safe.
pub(super) fn die_with_parent(parent: c_int) {
    // SAFETY: `PR_SET_PDEATHSIG` takes an integer.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong) };
    // SAFETY: no precondition, and it cannot fail.
    if unsafe { libc::getppid() } != parent {
        // The parent ended before the call above.
        // SAFETY: `_exit` takes an integer.
        unsafe { libc::_exit(1) };
    }
}

/// Forks a child that does nothing until it is killed, at the latest when the
/// calling thread ends. It keeps none of this process's files open and blocks
/// every signal that can be blocked.
pub(crate) fn start_endless() -> io::Result<c_int> {
    let parent = deadstop_core::pid();
    let mask = SignalMask::block_all();
    // SAFETY: the child makes async-signal-safe calls only, and does not return
    // from here.
    let child = unsafe { libc::fork() };
    if child == 0 {
        run_child(parent);
    }
    let made = match child {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(child),
    };
    mask.restore();
    made
}

/// Runs the child. Async-signal-safe.
fn run_child(parent: c_int) -> ! {
    die_with_parent(parent);
    // On a kernel without the call (before 5.9), files stay open.
    // SAFETY: close_range(2) takes three integers, and nothing here uses a file.
    unsafe { libc::syscall(libc::SYS_close_range, 0, c_uint::MAX, 0) };
    loop {
        // SAFETY: no precondition.
        unsafe { libc::pause() };
    }
}

/// Waits until `child` has ended, and reaps it.
pub(crate) fn wait(child: c_int) {
    loop {
        let mut status = 0;
        // SAFETY: the pointer is valid for writes.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        if waited != -1 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}
