//! A process that a harness has started, watched as it ends.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::kill_path::{self, Mask};

use super::child::die_with_parent;

/// Has `command` start a process that the kernel kills when the calling thread
/// ends, and that blocks no signal.
pub(crate) fn die_with_this_thread(command: &mut Command) -> &mut Command {
    let parent = kill_path::pid();
    let prepare = move || {
        Mask::hear_all();
        die_with_parent(parent);
        Ok(())
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`, and
    // makes async-signal-safe calls only.
    unsafe { command.pre_exec(prepare) }
}

/// Waits until `child` has ended, and leaves it to be waited for: until then its
/// number, and its group's, are nobody else's.
pub(crate) fn await_end(child: u32) -> io::Result<()> {
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let flags = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: the pointer is valid for writes.
        let waited = unsafe { libc::waitid(libc::P_PID, child, info.as_mut_ptr(), flags) };
        if waited == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Sends `signal` to `child`, which must not have been waited for.
pub(crate) fn send(child: u32, signal: c_int) -> io::Result<()> {
    kill(child as c_int, signal)
}

/// Kills the process group of `child`, which leads it and must not have been
/// waited for.
pub(crate) fn kill_group(child: u32) {
    // Fails if nobody of the group is left to be killed.
    let _ = kill(-(child as c_int), libc::SIGKILL);
}

fn kill(whom: c_int, signal: c_int) -> io::Result<()> {
    // SAFETY: kill(2) takes two integers.
    match unsafe { libc::kill(whom, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
