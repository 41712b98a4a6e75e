//! The numbers of a pool.

use std::time::Duration;

use deadstop_core::Nanos;

use super::job::Work;
use super::machine::{Machine, RunQueue};

/// The numbers of a pool at one moment.
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown.pool("mailer").start()?;
/// let stats: deadstop::drain::PoolStats = pool.stats();
/// println!("{} queued, {} rejected", stats.queued, stats.rejected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Threads that exist or are being started.
    pub threads: usize,
    /// The greatest number of threads at one time.
    pub largest: usize,
    /// Threads that run a job.
    pub running: usize,
    /// Jobs in the queue.
    pub queued: usize,
    /// Jobs that have ended on any thread, panics included.
    pub completed: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were not accepted.
    pub rejected: u64,
    /// Jobs that were accepted and did not start: stopped, or removed to make space.
    pub dropped: u64,
    /// Jobs that ran on the thread of the caller.
    pub caller_ran: u64,
    /// The time for which the oldest queued job has waited.
    pub oldest_queued: Option<Duration>,
    /// The time for which the longest running job has run, on any thread.
    pub longest_running: Option<Duration>,
}

impl PoolStats {
    pub(super) fn of(machine: &Machine<Work>, run_queue: &RunQueue<Work>, now: Nanos) -> Self {
        let counts = machine.counts;
        let oldest = machine.waiting(run_queue).next();
        Self {
            threads: machine.alive(),
            largest: counts.largest,
            running: machine.running(),
            queued: machine.queued(run_queue),
            completed: run_queue.completed + counts.caller_ran,
            panicked: run_queue.panicked + counts.caller_panicked,
            rejected: counts.rejected,
            dropped: counts.dropped,
            caller_ran: counts.caller_ran,
            oldest_queued: oldest.map(|work| now.since(work.since())),
            longest_running: run_queue
                .longest()
                .map(|(.., running)| now.since(running.since)),
        }
    }
}
