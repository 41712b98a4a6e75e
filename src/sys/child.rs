//! A child process that never ends.

use std::ffi::{c_int, c_uint, c_ulong};
use std::io;

use crate::kill_path::{self, Mask};

/// Has the kernel kill this process, a child of `parent`, when the thread ends
/// that made it. Async-signal-safe.
pub(super) fn die_with_parent(parent: c_int) {
    // SAFETY: `PR_SET_PDEATHSIG` takes an integer.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong) };
    // SAFETY: no precondition, and it cannot fail.
    if unsafe { libc::getppid() } != parent {
        // It was too late.
        // SAFETY: `_exit` takes an integer.
        unsafe { libc::_exit(1) };
    }
}

/// Makes a child that does nothing until it is killed, which it is when the
/// calling thread ends. It keeps none of this process's files open, and hears no
/// signal that can be blocked.
pub(crate) fn start_endless() -> io::Result<c_int> {
    let parent = kill_path::pid();
    let mask = Mask::block_all();
    // SAFETY: the child makes async-signal-safe calls only, and does not return
    // from here.
    let child = unsafe { libc::fork() };
    if child == 0 {
        be_endless(parent);
    }
    let made = match child {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(child),
    };
    mask.restore();
    made
}

/// The life of a child that does nothing. Async-signal-safe.
fn be_endless(parent: c_int) -> ! {
    die_with_parent(parent);
    // Where the kernel does not know the call, files stay open.
    // SAFETY: close_range(2) takes three integers, and nothing here uses a file.
    unsafe { libc::syscall(libc::SYS_close_range, 0, c_uint::MAX, 0) };
    loop {
        // SAFETY: no precondition.
        unsafe { libc::pause() };
    }
}

/// Waits until `child` has ended, and forgets it.
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
