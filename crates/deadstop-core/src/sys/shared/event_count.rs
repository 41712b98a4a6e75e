//! A wake-up that cannot be missed and that a signal handler may send.

use core::sync::atomic::{AtomicU32, Ordering};

use super::errno::ErrnoGuard;
use super::wait_word::{wait, wake_all};
use crate::sys::Nanos;

/// A count of events, and a place to wait for the next one.
///
/// Read the count, check the state that the events are about, and wait past the
/// count that you read. An event in between makes the wait return at once, so no
/// event is missed and no lock is needed.
///
/// A channel, a condition variable and `Thread::unpark` would do the same, but
/// none of them promises to work in a signal handler; and crossbeam's channel
/// yields before it parks, which costs a thread its place in the scheduler's
/// queue (measured under two spinning threads: 6 ms late instead of 0.03).
///
/// # Orderings
///
/// `advance` is a `Release` and `read` an `Acquire`: a thread that has read a
/// count sees what was written before each event that the count includes.
#[derive(Debug)]
pub struct EventCount(AtomicU32);

impl Default for EventCount {
    fn default() -> Self {
        Self::new()
    }
}

impl EventCount {
    /// Creates a count of zero.
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Reads the count.
    #[inline]
    pub fn read(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Counts an event and wakes every thread that waits. Async-signal-safe;
    /// preserves `errno`.
    pub fn advance(&self) {
        // A seccomp filter may refuse the call, and then it sets `errno`.
        let _errno = ErrnoGuard::save();
        self.0.fetch_add(1, Ordering::Release);
        wake_all(&self.0);
    }

    /// Waits until the count is not `seen`, or the clock reads `until`. May
    /// return before either.
    ///
    /// On Windows, the watchdog's thread does not hear an event in the last 20 ms before
    /// `until`, and learns of it then; it naps for 5 ms at a time.
    #[inline]
    pub fn wait_past(&self, seen: u32, until: Option<Nanos>) {
        wait(&self.0, seen, until);
    }
}
