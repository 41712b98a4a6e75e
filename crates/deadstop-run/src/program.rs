//! The program that runs under the supervisor: its start, signals to it, its terminal, and
//! its kill.

use std::io;
use std::process::Command;

use deadstop_core::pid;
use deadstop_core::sys::{KillTarget, inode_of, open_pidfd};

use crate::arguments::Options;
use crate::output;
use crate::processes;
use crate::sys::listener::{self, Listener};
use crate::sys::signals::Signals;
use crate::sys::{child, process, terminal};

/// The number of searches for descendants that were forked while others were killed.
const KILL_ROUNDS: usize = 3;

/// A program that was started. It leads a process group of its own.
pub(crate) struct Program {
    pub(crate) pid: i32,
    /// Without one (before Linux 5.3) the number is used, which cannot be another
    /// process's before this one has reaped the program.
    pidfd: Option<i32>,
    /// `true` if this process had the terminal, and has given it to the program.
    has_terminal: bool,
    /// The listener for Ctrl-C. It is in the program's group, until it has been reaped.
    listener: Option<i32>,
}

impl Program {
    /// Starts the program, with the signals that this process was started with.
    pub(crate) fn start(options: &Options, signals: &mut Signals) -> io::Result<Self> {
        let has_terminal = terminal::is_in_foreground();
        // Without a deadline there is nothing that a signal could begin.
        let listener = match has_terminal && options.grace.is_some() {
            true => listen(options),
            false => None,
        };
        let mut command = Command::new(&options.program);
        command.args(&options.arguments);
        let socket = listener.as_ref().map(Listener::socket);
        let pid = child::start(command, signals.inherited(), has_terminal, socket)?;
        // From here on its number alone is needed.
        let listener = listener.map(|listener| listener.pid);
        if let Some(listener) = listener {
            signals.hear(listener);
        }
        Ok(Self {
            pid,
            pidfd: open_pidfd(pid).ok(),
            has_terminal,
            listener,
        })
    }

    /// Sends `signal` to the program, or to its process group.
    pub(crate) fn send(&self, signal: i32, to_group: bool) {
        let target = if to_group { -self.pid } else { self.pid };
        process::send(target, signal);
    }

    /// Takes note of another child that has ended and was reaped.
    pub(crate) fn reaped(&mut self, child: i32) {
        self.listener = self.listener.filter(|listener| *listener != child);
    }

    /// Makes this process the foreground of the terminal again, if the program was.
    pub(crate) fn take_terminal_back(&self) {
        if self.has_terminal {
            terminal::take_foreground();
        }
    }

    /// Lets the stopped program go on, in the foreground of the terminal if this process is
    /// there.
    pub(crate) fn go_on(&self) {
        // The shell may have put this process into the background.
        if self.has_terminal && terminal::is_in_foreground() {
            terminal::set_foreground(self.pid);
        }
        self.send(libc::SIGCONT, true);
    }

    /// Ends the listener for Ctrl-C.
    pub(crate) fn end_listener(&self) {
        if let Some(listener) = self.listener {
            listener::end(listener);
        }
    }

    /// Kills the program, its group and all descendants. Orphans among them are
    /// children of this process.
    pub(crate) fn kill(&self) {
        let target = KillTarget {
            pid: self.pid,
            pidfd: self.pidfd,
            // No other code of this program closes it.
            inode: self.pidfd.map_or(0, inode_of),
            kills_group: true,
        };
        for _ in 0..KILL_ROUNDS {
            // They are found before the program is killed: a descendant that is not an
            // orphan yet is found by its parent.
            let mut others = processes::descendants(pid());
            others.retain(|other| *other != self.pid && is_alive(*other));
            target.kill();
            if others.is_empty() {
                return;
            }
            for other in others {
                process::send(other, libc::SIGKILL);
            }
        }
    }
}

fn is_alive(pid: i32) -> bool {
    processes::process(pid).is_some_and(|process| process.state != b'Z')
}

/// Starts the listener for Ctrl-C.
fn listen(options: &Options) -> Option<Listener> {
    let listener = listener::start(&options.on);
    if let Err(error) = &listener {
        output::print(&format!(
            "Ctrl-C will not begin the shutdown: no process could be started: {error}"
        ));
    }
    listener.ok()
}
