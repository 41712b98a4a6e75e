//! Starting the program, and reaping.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::signals::{Inherited, pipe_action, set_pipe_action};
use super::{listener, terminal};
use crate::machine::Ended;

/// Starts `command` in a process group of its own, in the foreground of the terminal if
/// this process has it, with the signals that this process was started with. `listener`
/// is the socket of a listener for its group. Returns its process id.
pub(crate) fn start(
    mut command: Command,
    inherited: Inherited,
    has_terminal: bool,
    listener: Option<i32>,
) -> io::Result<i32> {
    let pipe = pipe_action();
    let prepare = move || {
        // SAFETY: two integers.
        if unsafe { libc::setpgid(0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // Before the terminal sends a signal to the group.
        if let Some(socket) = listener {
            listener::admit(socket);
        }
        if has_terminal {
            // SAFETY: no precondition.
            terminal::set_foreground(unsafe { libc::getpid() });
        }
        set_pipe_action(&pipe);
        inherited.restore();
        Ok(())
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`; it makes system
    // calls alone.
    unsafe { command.pre_exec(prepare) };
    let child = command.spawn()?;
    // Reaped by `wait`, as every other child.
    i32::try_from(child.id()).map_err(io::Error::other)
}

/// A change of a child.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Ended(i32, Ended),
    Stopped(i32),
}

/// Reaps a child, or notices that one has stopped. `None` if there is no change.
pub(crate) fn wait() -> Option<Change> {
    let mut status = 0;
    // SAFETY: the pointer is valid for writes.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) };
    if pid <= 0 {
        return None;
    }
    Some(if libc::WIFSTOPPED(status) {
        Change::Stopped(pid)
    } else if libc::WIFSIGNALED(status) {
        let ended = Ended::Killed {
            signal: libc::WTERMSIG(status),
            dumped_core: libc::WCOREDUMP(status),
        };
        Change::Ended(pid, ended)
    } else {
        let status = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(255);
        Change::Ended(pid, Ended::Exited(status))
    })
}
