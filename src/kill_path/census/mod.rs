//! The threads of the process, and what each is doing.
//!
//! A census is taken shortly before the deadline, when nothing of the process
//! can be relied on: by raw system calls into a table made at install. What
//! cannot be had is left out, and says so.
//!
//! ```text
//! words ──▶ Census: Thread, Doing, Descriptor
//! ```

mod doing;
mod thread;
pub(crate) mod words;

use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::option::Option;

use super::sizes::THREADS;

pub(crate) use self::doing::{Call, Descriptor, Doing, Kind};
pub(crate) use self::thread::Thread;

/// Up to [`THREADS`] threads, those that matter most first: the tasks', main,
/// those that burn the most processor time, and others by their ids.
pub(crate) struct Census {
    threads: [Thread; THREADS],
    len: usize,
    /// How many threads the process has, those not listed included. As many as
    /// are listed, where they could not be counted.
    pub(crate) total: u32,
    /// The system's number for why `/proc` could not be read, or 0. Only
    /// processor times are known then, and no other threads than the tasks'
    /// and main.
    pub(crate) refused: c_int,
}

impl Census {
    /// For a `Box` made at install: it is too large for a small stack.
    pub(crate) const fn empty() -> Self {
        Self {
            threads: [const { Thread::empty() }; THREADS],
            len: 0,
            total: 0,
            refused: 0,
        }
    }

    /// Those that are listed, in order.
    pub(crate) fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter().take(self.len)
    }

    /// The thread `tid`, if it is listed.
    pub(crate) fn of(&self, tid: c_int) -> Option<&Thread> {
        self.threads().find(|thread| thread.tid == tid)
    }
}
