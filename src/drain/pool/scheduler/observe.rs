//! What is notified of a pool's jobs.

use std::sync::Arc;

use deadstop_core::Nanos;

use crate::drain::pool::machine::{Machine, RunQueue};

/// Notified of what happens, under the lock of what it is shown.
pub(crate) trait Observe<J> {
    /// Returns the time at which a job begins.
    fn now(&self) -> Nanos {
        Nanos(0)
    }

    /// Returns the name of a job.
    fn name(&self, _: &J) -> Option<Arc<str>> {
        None
    }

    /// A thread begins a job.
    fn begins(&self, _: &RunQueue<J>) {}

    /// A thread that had a job has none.
    fn rests(&self, _: &Machine<J>, _: &RunQueue<J>) {}

    /// A job has ended, and a caller waits for room.
    fn has_room(&self, _: &Machine<J>) {}

    /// The machine's lock is about to be released.
    fn machine(&self, _: &Machine<J>) {}

    /// The run queue's lock is about to be released.
    fn run_queue(&self, _: &RunQueue<J>) {}
}

impl<J> Observe<J> for () {}
