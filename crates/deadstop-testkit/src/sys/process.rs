//! Starting, signaling and awaiting a child process.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

use deadstop_core::sys::SignalMask;

use super::child::die_with_parent;

/// Makes `command` start a process that blocks no signal, does not ignore those that
/// nohup(1) and background jobs ignore, and is killed by the kernel when the calling
/// thread ends.
pub(crate) fn die_with_this_thread(command: &mut Command) -> &mut Command {
    let parent = deadstop_core::pid();
    let prepare = move || {
        SignalMask::unblock_all();
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
            // SAFETY: two integers; no handler is set.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        die_with_parent(parent);
        Ok(())
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`, and
    // makes async-signal-safe calls only.
    unsafe { command.pre_exec(prepare) }
}

/// Waits until `child` has ended, without reaping it: until it is reaped, its
/// process id and group id are not reused.
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

/// Sends `signal` to `child`, which must not have been reaped.
pub(crate) fn send(child: u32, signal: c_int) -> io::Result<()> {
    kill(child as c_int, signal)
}

/// Kills the process group of `child`, which leads it and must not have been
/// reaped.
pub(crate) fn kill_group(child: u32) {
    // Fails if the group has no process left.
    let _ = kill(-(child as c_int), libc::SIGKILL);
}

fn kill(target: c_int, signal: c_int) -> io::Result<()> {
    // SAFETY: kill(2) takes two integers.
    match unsafe { libc::kill(target, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
