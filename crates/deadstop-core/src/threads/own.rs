//! The ids of deadstop's own threads.
//!
//! A name does not identify them: a thread without a name inherits the name of the thread
//! that starts it. A task, a logger or a health check may start threads, and one of them may
//! hang.
//!
//! # Orderings
//!
//! Each entry is one word, and nothing is passed on with it.

use core::ffi::c_int;

use crate::atomic::{AtomicI32, AtomicU32, Ordering};
use crate::sys::tid;

/// The prefix of the names of deadstop's threads.
const PREFIX: &str = "deadstop-";

/// An entry without a thread.
const FREE: c_int = 0;

static OWN: [AtomicI32; OwnThread::ENTRIES] = [const { AtomicI32::new(FREE) }; OwnThread::ENTRIES];

/// The number of running threads of deadstop that have no entry.
static UNLISTED: AtomicU32 = AtomicU32::new(0);

/// Marks the calling thread as deadstop's own until it is dropped.
#[derive(Debug)]
#[must_use = "the thread is deadstop's own until this is dropped"]
pub struct OwnThread {
    entry: Option<&'static AtomicI32>,
    tid: c_int,
}

impl OwnThread {
    /// The number of threads that have an entry. Further threads are known by their names.
    pub const ENTRIES: usize = 256;

    /// Marks the calling thread. Async-signal-safe.
    pub fn mark() -> Self {
        let tid = tid();
        let entry = OWN.iter().find(|entry| {
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            let taken = entry.compare_exchange(FREE, tid, success, failure);
            taken.is_ok()
        });
        if entry.is_none() {
            UNLISTED.fetch_add(1, Ordering::Relaxed);
        }
        Self { entry, tid }
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        let Some(entry) = self.entry else {
            // A child of `fork` has forgotten the thread.
            let one_less = |threads: u32| threads.checked_sub(1);
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            let _ = UNLISTED.fetch_update(success, failure, one_less);
            return;
        };
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let _ = entry.compare_exchange(self.tid, FREE, success, failure);
    }
}

/// Forgets the threads, in a child of `fork`, which has none of them. Async-signal-safe.
pub fn reset_after_fork() {
    for entry in &OWN {
        entry.store(FREE, Ordering::Relaxed);
    }
    UNLISTED.store(0, Ordering::Relaxed);
}

/// Returns `true` for a marked thread.
pub(crate) fn is_marked(tid: c_int) -> bool {
    OWN.iter().any(|entry| entry.load(Ordering::Relaxed) == tid)
}

/// Returns `true` for a thread that has no entry and is deadstop's by its name, unless the
/// program has the same name: its threads then inherit it.
pub(super) fn is_own_by_name(name: &str, program: &str) -> bool {
    UNLISTED.load(Ordering::Relaxed) > 0 && name.starts_with(PREFIX) && name != program
}
