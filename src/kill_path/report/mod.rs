//! What is said of a hang, rendered without an allocator and without locks.
//!
//! ```text
//! roster ─┐
//! census ─┼─▶ Facts ──▶ text (for people, and a parser), json (for tools)
//! stacks ─┘
//! ```
//!
//! The same facts are rendered twice over: once as they are had, and once more
//! when the functions of the stacks have been looked up, which may hang.

mod json;
mod order;
mod text;
mod words;

use ::core::clone::Clone;
use ::core::convert::From;
use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::marker::Copy;
use ::core::option::Option;

use super::census::{Census, Thread};
use super::roster::{Buffer, Roster};
use super::stack::{Captured, Stack};
use super::sys::Nanos;

pub(crate) use self::json::json;
pub(crate) use self::text::{END_OF_STACKS, stack_again, text};

/// What a report is rendered from.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) kind: Kind,
    pub(crate) pid: c_int,
    pub(crate) roster: &'a Roster,
    pub(crate) census: &'a Census,
    pub(crate) stacks: &'a [Stack],
    /// Why the shutdown began, if it is known.
    pub(crate) cause: Option<&'a str>,
    /// When the watchdog was armed, if it has been.
    pub(crate) begun: Option<Nanos>,
    pub(crate) now: Nanos,
    /// When the process ends, if that is known.
    pub(crate) at: Option<Nanos>,
}

/// What a report is for.
#[derive(Clone, Copy, ::core::cmp::Eq, ::core::cmp::PartialEq)]
pub(crate) enum Kind {
    /// The deadline is near.
    Deadline,
    /// Somebody asked how it stands.
    Dump,
}

impl<'a> Facts<'a> {
    /// The stack of a thread, if somebody asked for it.
    fn stack(&self, tid: c_int) -> Option<&'a Stack> {
        let asked = |stack: &&Stack| stack.tid == tid && stack.captured != Captured::NotAsked;
        self.stacks.iter().find(asked)
    }

    /// The threads that no task on the list is on.
    fn other_threads(&self) -> impl Iterator<Item = &'a Thread> {
        let roster = self.roster;
        let is_of_task = move |tid: c_int| {
            let mut buffer = Buffer::new();
            roster.running.slots().any(|slot| {
                let task = slot.read(&mut buffer);
                task.is_some_and(|task| task.tid == tid && task.is.hangs())
            })
        };
        let threads = self.census.threads();
        threads.filter(move |thread| !is_of_task(thread.tid))
    }

    /// How many threads there was no room for.
    fn unlisted_threads(&self) -> u64 {
        let listed = self.census.threads().count();
        u64::from(self.census.total).saturating_sub(listed as u64)
    }
}
