//! The table of threads that a report lists.

use core::ffi::c_int;

use super::cpu_samples::CpuSamples;
use super::thread::Thread;
use crate::sizes::MAX_THREADS;

/// Up to `MAX_THREADS` threads, the most important first: those of tasks, main,
/// the busiest, and others by their ids.
#[derive(Debug)]
pub struct ThreadTable {
    pub(super) threads: [Thread; MAX_THREADS],
    pub(super) len: usize,
    pub(super) samples: CpuSamples,
    /// The number of threads of the process. If they could not be counted, the
    /// number of listed threads.
    pub total: u32,
    /// The `errno` of reading `/proc`, or 0. If it is not 0, only processor times are
    /// known, and only the threads of tasks and main are listed.
    pub proc_error: c_int,
}

impl ThreadTable {
    /// Creates an empty table. It has some 75 KiB.
    pub const fn empty() -> Self {
        Self {
            threads: [const { Thread::empty() }; MAX_THREADS],
            len: 0,
            samples: CpuSamples::empty(),
            total: 0,
            proc_error: 0,
        }
    }

    /// Adds a thread, for a test.
    #[doc(hidden)]
    pub fn list_for_test(&mut self, thread: Thread) {
        if let Some(slot) = self.threads.get_mut(self.len) {
            *slot = thread;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns the listed threads in order.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> + Clone {
        self.threads.get(..self.len).unwrap_or(&[]).iter()
    }

    /// Returns the thread `tid`, if it is listed.
    #[inline(never)] // A report asks for threads in many places.
    pub fn find(&self, tid: c_int) -> Option<&Thread> {
        self.iter().find(|thread| thread.tid == tid)
    }

    /// Returns the other listed threads that wait for the same lock or condition as
    /// `thread`.
    pub fn waiting_with(&self, thread: &Thread) -> ThreadList<'_> {
        let mut list = ThreadList::empty();
        for other in self.iter() {
            let is_same = thread.lock_address != 0 && other.lock_address == thread.lock_address;
            if is_same && other.tid != thread.tid {
                list.add(other);
            }
        }
        list
    }
}

/// Some threads of the table, in an order of their own.
///
/// A list and not an iterator with filters: each place that goes through such an iterator, or
/// counts its items, has the code of all its filters once more.
#[derive(Clone, Debug)]
pub struct ThreadList<'a> {
    threads: [Option<&'a Thread>; MAX_THREADS],
    len: usize,
}

impl<'a> ThreadList<'a> {
    pub(crate) const fn empty() -> Self {
        Self {
            threads: [None; MAX_THREADS],
            len: 0,
        }
    }

    /// Adds a thread, unless the list has as many as the table.
    pub(crate) fn add(&mut self, thread: &'a Thread) {
        if let Some(slot) = self.threads.get_mut(self.len) {
            *slot = Some(thread);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns how many threads there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns `true` if there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the threads in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a Thread> + Clone {
        self.threads.iter().map_while(|thread| *thread)
    }
}
