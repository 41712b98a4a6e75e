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
    pub fn list_for_test(&mut self, thread: Thread) {
        if let Some(slot) = self.threads.get_mut(self.len) {
            *slot = thread;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns the listed threads in order.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> + Clone {
        self.threads.iter().take(self.len)
    }

    /// Returns the thread `tid`, if it is listed.
    pub fn find(&self, tid: c_int) -> Option<&Thread> {
        self.iter().find(|thread| thread.tid == tid)
    }

    /// Returns the other listed threads that wait for the same lock or condition as
    /// `thread`.
    pub fn waiting_with<'a>(
        &'a self,
        thread: &Thread,
    ) -> impl Iterator<Item = &'a Thread> + use<'a> {
        let (tid, address) = (thread.tid, thread.lock_address);
        let others = self.iter().filter(move |other| other.tid != tid);
        others.filter(move |other| address != 0 && other.lock_address == address)
    }
}
