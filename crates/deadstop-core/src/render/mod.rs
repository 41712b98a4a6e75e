//! Renders reports, without an allocator and without locks.
//!
//! ```text
//! roster ─┐
//! threads ─┼─▶ Facts ──▶ text (for people), json (for programs)
//! stacks ─┘     ├─▶ suspects   which threads may hold up the tasks
//!               └─▶ frames     whose code a frame runs
//! ```
//!
//! The same facts are rendered twice: once as they are found, and once more when
//! the functions of the stacks have been looked up, which may hang.

pub mod frames;
mod json;
mod kind;
mod order;
mod progress;
mod shares;
pub mod suspects;
mod text;
mod words;

use core::ffi::c_int;

use crate::roster::Roster;
use crate::stack::{Captured, Stack};
use crate::sys::Nanos;
use crate::threads::ThreadTable;

pub use self::json::json;
pub use self::kind::Kind;
pub use self::progress::{Layout, progress};
pub use self::shares::Shares;
pub use self::text::{ChildProcess, Process, first_screen, process, text, thread};

/// The data of a report.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub kind: Kind,
    pub pid: c_int,
    pub roster: &'a Roster,
    pub threads: &'a ThreadTable,
    pub stacks: &'a [Stack],
    /// The cause of the shutdown, if it is known.
    pub cause: Option<&'a str>,
    /// The time at which the watchdog was armed, if it has been.
    pub begun: Option<Nanos>,
    pub now: Nanos,
    /// The time at which the process ends, if that is known.
    pub at: Option<Nanos>,
    /// The status that it ends with at the deadline, if that is known.
    pub exit_status: Option<u8>,
    /// Since when threads have not moved, of those that were sampled.
    pub still: &'a [Still],
    /// The number of this report of the process, from 1 on.
    pub number: u32,
    /// Signals whose handler another library has replaced: their names.
    pub replaced: &'a str,
    /// Several stacks of one thread that runs, if they were taken.
    pub repeats: Option<Repeats>,
}

impl<'a> Facts<'a> {
    /// The facts of the first report of process 1, in which no shutdown has begun, for a test.
    #[doc(hidden)]
    pub const fn for_test(
        kind: Kind,
        roster: &'a Roster,
        threads: &'a ThreadTable,
        now: Nanos,
    ) -> Self {
        Self {
            kind,
            pid: 1,
            roster,
            threads,
            stacks: &[],
            cause: None,
            begun: None,
            now,
            at: None,
            exit_status: None,
            still: &[],
            number: 1,
            replaced: "",
            repeats: None,
        }
    }
}

/// The number of equal stacks of a thread.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    pub tid: c_int,
    /// Stacks that were taken.
    pub samples: u32,
    /// Different ones among them.
    pub distinct: u32,
}

/// Since when a thread has used no processor time.
#[derive(Clone, Copy, Debug)]
pub struct Still {
    pub tid: c_int,
    pub since: Nanos,
    /// The time of the last look. A report takes a while from there on.
    pub last: Nanos,
    /// The number of looks since the thread began to run its task.
    pub samples: u32,
    /// Those from `since` on.
    pub quiet: u32,
    /// The share of a processor that it used between two samples each.
    pub shares: Shares,
}

impl<'a> Facts<'a> {
    /// Calls `found` with the name and the phase of the task that is named
    /// first, if a task hangs.
    pub fn culprit(&self, found: impl FnOnce(&str, &str)) {
        let mut found = Some(found);
        self.roster.each_unfinished(|task| {
            if let Some(found) = found.take() {
                found(task.name, task.phase);
            }
        });
    }

    /// Returns the stack of a thread, if it was requested.
    #[inline(never)]
    fn stack(&self, tid: c_int) -> Option<&'a Stack> {
        let asked = |stack: &&Stack| stack.tid == tid && stack.captured != Captured::NotAsked;
        self.stacks.iter().find(asked)
    }

    /// Returns the number of threads that had no room.
    fn unlisted_threads(&self) -> u64 {
        let listed = self.threads.iter().count();
        u64::from(self.threads.total).saturating_sub(listed as u64)
    }
}
