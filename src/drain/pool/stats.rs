//! The numbers of a pool.

use std::time::Duration;

use deadstop_core::Nanos;

use super::machine::Machine;

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
    /// The most threads there were at once.
    pub largest: usize,
    /// Threads that run a job.
    pub running: usize,
    /// Jobs that wait.
    pub queued: usize,
    /// Jobs that have ended, panics included, on whichever thread.
    pub completed: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were not accepted.
    pub rejected: u64,
    /// Jobs that were accepted and did not start: stopped, or dropped to make room.
    pub dropped: u64,
    /// Jobs that ran on the thread of the caller.
    pub caller_ran: u64,
    /// For how long the oldest job has waited.
    pub oldest_queued: Option<Duration>,
    /// For how long the longest job has run.
    pub longest_running: Option<Duration>,
}

impl PoolStats {
    pub(super) fn of<J>(machine: &Machine<J>, now: Nanos) -> Self {
        let counts = machine.counts;
        let oldest = machine.queued().front();
        Self {
            threads: machine.alive(),
            largest: counts.largest,
            running: machine.running(),
            queued: machine.queued().len(),
            completed: counts.completed,
            panicked: counts.panicked,
            rejected: counts.rejected,
            dropped: counts.dropped,
            caller_ran: counts.caller_ran,
            oldest_queued: oldest.map(|queued| now.since(queued.since)),
            longest_running: machine
                .longest()
                .map(|(_, running)| now.since(running.since)),
        }
    }
}
