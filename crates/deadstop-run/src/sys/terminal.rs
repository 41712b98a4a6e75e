//! The foreground of the terminal.

use std::fs::File;

/// Returns `true` if this process has a controlling terminal: a shell there continues what
/// has stopped.
pub(crate) fn is_there() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Returns `true` if standard input is a terminal, and this process's group is in its
/// foreground.
pub(crate) fn is_in_foreground() -> bool {
    // SAFETY: one integer.
    let foreground = unsafe { libc::tcgetpgrp(libc::STDIN_FILENO) };
    // SAFETY: no precondition.
    foreground > 0 && foreground == unsafe { libc::getpgrp() }
}

/// Makes `group` the foreground of the terminal. `SIGTTOU` must be ignored: it would
/// stop a process in the background. Async-signal-safe.
pub(crate) fn set_foreground(group: i32) {
    // SAFETY: two integers.
    unsafe { libc::tcsetpgrp(libc::STDIN_FILENO, group) };
}

/// Makes this process's group the foreground of the terminal.
pub(crate) fn take_foreground() {
    // SAFETY: no precondition.
    set_foreground(unsafe { libc::getpgrp() });
}
