//! The threads of the process, and what each is doing.
//!
//! A census is taken shortly before the deadline, when nothing of the process
//! can be relied on: by raw system calls, into a table on the stack of
//! the one who takes it. What cannot be had is left out, and says so.
//!
//! Nothing here waits for another thread, with one exception: `syscall` is read
//! behind an `exec` of the process's own that is under way. Measured: 0.2 ms of
//! processor time for 10 threads, 2.6 ms for 1,000, and a pause of 20 ms.
//!
//! ```text
//! take ──▶ looks            processor times: who is listed, and in which order
//!      ──▶ look ──▶ parse     the files of one thread
//!               ──▶ infer     what they mean
//!               ──▶ describe  its descriptor: address, outside
//! words                       a thread as the report has it
//! ```

pub(crate) mod address;
mod describe;
mod doing;
pub(crate) mod infer;
mod look;
mod looks;
pub(crate) mod outside;
pub(crate) mod parse;
mod take;
mod thread;
pub(crate) mod words;

use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::option::Option;

use self::looks::Looks;
use super::sizes::THREADS;

pub(crate) use self::doing::{Call, Descriptor, Doing, Kind};
pub(crate) use self::thread::Thread;

/// Up to [`THREADS`] threads, those that matter most first: the tasks', main,
/// those that burn the most processor time, and others by their ids.
pub(crate) struct Census {
    threads: [Thread; THREADS],
    len: usize,
    looks: Looks,
    /// How many threads the process has, those not listed included. As many as
    /// are listed, where they could not be counted.
    pub(crate) total: u32,
    /// The system's number for why `/proc` could not be read, or 0. Only
    /// processor times are known then, and no other threads than the tasks'
    /// and main.
    pub(crate) refused: c_int,
}

impl Census {
    /// Some 75 KiB: for the stack of a thread that has room for it.
    pub(crate) const fn empty() -> Self {
        Self {
            threads: [const { Thread::empty() }; THREADS],
            len: 0,
            looks: Looks::empty(),
            total: 0,
            refused: 0,
        }
    }

    /// Lists a thread that a test has made up.
    #[cfg(test)]
    pub(crate) fn list_for_test(&mut self, thread: Thread) {
        if let Option::Some(place) = self.threads.get_mut(self.len) {
            *place = thread;
            self.len = self.len.saturating_add(1);
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
