//! Victims that start with the default action for every signal.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Resets the signals that nohup(1) or a background job ignores in the program of
/// `command`, which would inherit that from the test.
pub(crate) fn reset_in(command: &mut Command) {
    // SAFETY: the function makes system calls only, and takes no lock.
    unsafe { command.pre_exec(reset) };
}

fn reset() -> io::Result<()> {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: two integers; no handler is set.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}
