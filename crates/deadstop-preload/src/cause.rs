//! The cause of the shutdown: the first trigger.
//!
//! # Orderings
//!
//! The thread that arms writes the cause, and then starts the thread that reads it.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use deadstop_core::buffer::TextSlice;

/// The first trigger of the shutdown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trigger {
    /// A signal, and the process that sent it, if it was one: its id and user.
    Signal(c_int, Option<(c_int, u32)>),
    /// The program called `exit`, or returned from `main`.
    Exit,
}

/// The first trigger, as words.
#[derive(Debug)]
pub(crate) struct Cause {
    signal: AtomicI32,
    /// 0: not a process.
    pid: AtomicI32,
    uid: AtomicU32,
}

/// The cause of this process's shutdown.
pub(crate) static CAUSE: Cause = Cause {
    signal: AtomicI32::new(0),
    pid: AtomicI32::new(0),
    uid: AtomicU32::new(0),
};

impl Cause {
    /// Keeps the trigger. Async-signal-safe.
    pub(crate) fn keep(&self, trigger: Trigger) {
        let (signal, sender) = match trigger {
            Trigger::Signal(signal, sender) => (signal, sender),
            Trigger::Exit => (0, None),
        };
        let (pid, uid) = sender.unwrap_or((0, 0));
        self.signal.store(signal, Ordering::Relaxed);
        self.pid.store(pid, Ordering::Relaxed);
        self.uid.store(uid, Ordering::Relaxed);
    }

    /// Adds the cause in words: `SIGTERM from pid 1, uid 0`.
    pub(crate) fn render(&self, line: &mut TextSlice) {
        match self.signal.load(Ordering::Relaxed) {
            0 => {
                line.text("the program called exit, or returned from main");
            }
            signal => {
                name(line, signal);
            }
        }
        let pid = self.pid.load(Ordering::Relaxed);
        if pid > 0 {
            line.text(" from pid ")
                .int(pid)
                .text(", uid ")
                .number(self.uid.load(Ordering::Relaxed).into());
        }
    }
}

/// Adds the name of a signal that can be a trigger.
fn name(line: &mut TextSlice, signal: c_int) {
    let name = match signal {
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        libc::SIGHUP => "SIGHUP",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGUSR2 => "SIGUSR2",
        _ => "signal ",
    };
    line.text(name);
    if name.ends_with(' ') {
        line.int(signal);
    }
}
