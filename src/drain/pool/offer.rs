//! The ways to offer a job to a pool: once, until there is room, in place of the oldest, and on the
//! caller's own thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::current;
use super::error::Why;
use super::job::Work;
use super::machine::{Dispatch, Offered, Running, Stage};
use super::shared::Shared;
use crate::drain::thread_id;
use crate::sys::recent_time::recent;

/// Stands for "no end" where `Instant` has none: a hundred years.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The result of offering a job.
pub(super) enum Outcome {
    Accepted,
    Refused(Work, Why),
}

impl Shared {
    /// Offers a job once.
    #[inline]
    pub(super) fn offer(self: &Arc<Self>, work: Work) -> Outcome {
        match self.scheduler.offer(work, self.is_current()) {
            Offered::Accepted(Dispatch::Nothing) => Outcome::Accepted,
            offered => self.accept(offered),
        }
    }

    /// Offers a job, and waits for room for up to `time`.
    pub(super) fn offer_within(self: &Arc<Self>, mut work: Work, time: Duration) -> Outcome {
        let from_job = self.is_current();
        let begun = Instant::now();
        let until = begun.checked_add(time).unwrap_or(begun + FOREVER);
        let mut is_over = false;
        loop {
            let mut entered = None;
            let offered = self.scheduler.offer_by(work, |locked, mut work| {
                work.queued_now();
                let offered = locked.machine.offer(work, from_job);
                if matches!(offered, Offered::Full(_)) && !is_over {
                    // Under the lock that a job's end takes, which then notifies.
                    locked.run_queue.blocked += 1;
                    entered = Some(self.scheduler.observer().room.enter());
                }
                offered
            });
            match (offered, entered) {
                (Offered::Full(full), Some(entered)) => {
                    is_over = entered.until(until);
                    self.lock().run_queue.blocked -= 1;
                    work = full;
                }
                (offered, _) => return self.accept(offered),
            }
        }
    }

    /// Offers a job, and drops the oldest that waits if there is no room. Returns what
    /// was dropped.
    pub(super) fn offer_or_drop(self: &Arc<Self>, work: Work) -> (Outcome, Option<Work>) {
        let from_job = self.is_current();
        let mut oldest = None;
        let offered = self.scheduler.offer_by(work, |locked, work| {
            match locked.machine.offer(work, from_job) {
                Offered::Full(work) => {
                    oldest = locked.machine.drop_oldest(&mut locked.run_queue);
                    locked.machine.offer(work, from_job)
                }
                offered => offered,
            }
        });
        (self.accept(offered), oldest)
    }

    #[cold]
    fn accept(self: &Arc<Self>, offered: Offered<Work>) -> Outcome {
        match offered {
            Offered::Accepted(dispatch) => match self.dispatch(dispatch) {
                None => Outcome::Accepted,
                Some(work) => Outcome::Refused(work, Why::NoThread),
            },
            // The scheduler waits while it is not decided.
            Offered::Full(work) | Offered::Starting(work) => Outcome::Refused(work, Why::Full),
            Offered::Refused(work, stage) => Outcome::Refused(work, why(stage)),
        }
    }

    /// Runs a job on the calling thread, for which there was no room. The pool waits for it as
    /// for its threads' jobs. Returns the job if the pool takes none any more.
    pub(super) fn run_here(&self, work: Work) -> Outcome {
        let running = Running {
            since: recent(),
            name: work.name(),
        };
        let mut locked = self.lock();
        if let Some(stage) = locked.machine.refuses(self.is_current()) {
            drop(locked);
            return Outcome::Refused(work, why(stage));
        }
        let number = locked
            .run_queue
            .caller_begins(thread_id::current(), running);
        drop(locked);
        let panicked = current::run(self.address(), || work.run_and_catch());
        let mut locked = self.lock();
        locked.run_queue.caller_ends(number);
        locked.machine.counts.caller_ran += 1;
        locked.machine.counts.caller_panicked += u64::from(panicked);
        drop(locked);
        self.note_if_terminated();
        Outcome::Accepted
    }
}

/// Returns why a pool of this stage takes no job.
fn why(stage: Stage) -> Why {
    match stage {
        Stage::Stopping => Why::Stopped,
        _ => Why::Closed,
    }
}
