//! Decides what `deadstop-run` does next, and until when it sleeps: without threads, locks or
//! clock.

use crate::coordinator::machine::STARTUP_DELAY;
use deadstop_core::Nanos;

/// What `deadstop-run` finds under the lock.
#[derive(Clone, Copy)]
pub(super) struct Situation {
    pub(super) now: Nanos,
    /// The shutdown has begun, and the triggers do not know of it.
    pub(super) must_notify_triggers: bool,
    /// Every task has ended, and no thread has handled the report.
    pub(super) has_ended: bool,
    pub(super) must_exit: bool,
    pub(super) must_warn_no_waiter: bool,
    /// The coordinator has no more use.
    pub(super) is_retired: bool,
    pub(super) due: Due,
}

/// When something is due. [`Nanos::LAST`] stands for never.
#[derive(Clone, Copy)]
pub(super) struct Due {
    /// Threads are named after the tasks that they run.
    pub(super) naming: Nanos,
    /// The thread that writes the log starts.
    pub(super) log: Nanos,
    /// The symbolizer starts.
    pub(super) symbolizer: Nanos,
    /// The machine needs the time.
    pub(super) machine: Nanos,
}

/// What `deadstop-run` does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Duty {
    NotifyTriggers,
    End,
    Exit,
    WarnNoWaiter,
    Return,
    NameThreads,
    StartLog,
    StartSymbolizer,
    /// Nothing else is due: starts task threads if they are short, or sleeps.
    ScaleThreads,
}

impl Situation {
    /// Returns the duty that comes first.
    pub(super) fn duty(&self) -> Duty {
        let is_due = |at: Nanos| at <= self.now;
        if self.must_notify_triggers {
            Duty::NotifyTriggers
        } else if self.has_ended {
            Duty::End
        } else if self.must_exit {
            Duty::Exit
        } else if self.must_warn_no_waiter {
            Duty::WarnNoWaiter
        } else if self.is_retired {
            Duty::Return
        } else if is_due(self.due.naming) {
            Duty::NameThreads
        } else if is_due(self.due.log) {
            Duty::StartLog
        } else if is_due(self.due.symbolizer) {
            Duty::StartSymbolizer
        } else {
            Duty::ScaleThreads
        }
    }

    /// Returns until when `deadstop-run` sleeps. The coordinator's state wants it at `wants`; the
    /// thread scaling takes its next sample at `sample`.
    pub(super) fn sleeps_until(&self, wants: Nanos, sample: Nanos) -> Nanos {
        let is_soon = wants < self.now.saturating_add(2 * STARTUP_DELAY);
        // It is then wanted for the next sample alone.
        let waits_for_sample = wants > self.now && is_soon && self.due.machine > wants;
        let until = match waits_for_sample && sample > self.now {
            true => sample,
            false => wants,
        };
        until.min(self.due.log).min(self.due.symbolizer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Nanos = Nanos(1_000_000_000);

    /// Nothing is due.
    const IDLE: Situation = Situation {
        now: NOW,
        must_notify_triggers: false,
        has_ended: false,
        must_exit: false,
        must_warn_no_waiter: false,
        is_retired: false,
        due: Due {
            naming: Nanos::LAST,
            log: Nanos::LAST,
            symbolizer: Nanos::LAST,
            machine: Nanos::LAST,
        },
    };

    fn after(time: Duration) -> Nanos {
        NOW.saturating_add(time)
    }

    #[test]
    fn duties_come_in_their_order() {
        let mut situation = Situation {
            now: NOW,
            must_notify_triggers: true,
            has_ended: true,
            must_exit: true,
            must_warn_no_waiter: true,
            is_retired: true,
            due: Due {
                naming: NOW,
                log: NOW,
                symbolizer: NOW,
                machine: NOW,
            },
        };
        let mut next = |done: fn(&mut Situation)| {
            let duty = situation.duty();
            done(&mut situation);
            duty
        };
        assert_eq!(
            next(|it| it.must_notify_triggers = false),
            Duty::NotifyTriggers
        );
        assert_eq!(next(|it| it.has_ended = false), Duty::End);
        assert_eq!(next(|it| it.must_exit = false), Duty::Exit);
        assert_eq!(
            next(|it| it.must_warn_no_waiter = false),
            Duty::WarnNoWaiter
        );
        assert_eq!(next(|it| it.is_retired = false), Duty::Return);
        assert_eq!(next(|it| it.due.naming = Nanos::LAST), Duty::NameThreads);
        assert_eq!(next(|it| it.due.log = Nanos::LAST), Duty::StartLog);
        assert_eq!(
            next(|it| it.due.symbolizer = Nanos::LAST),
            Duty::StartSymbolizer
        );
        assert_eq!(next(|_| ()), Duty::ScaleThreads);
    }

    #[test]
    fn duty_is_not_due_one_nanosecond_early() {
        let mut situation = IDLE;
        situation.due.naming = Nanos(NOW.0 + 1);
        assert_eq!(situation.duty(), Duty::ScaleThreads);
        situation.now = situation.due.naming;
        assert_eq!(situation.duty(), Duty::NameThreads);
    }

    #[test]
    fn idle_thread_sleeps_until_it_is_wanted_or_something_is_due() {
        let (hour, minute, second) = (
            after(Duration::from_secs(3600)),
            after(Duration::from_secs(60)),
            after(Duration::from_secs(1)),
        );
        let mut situation = IDLE;
        assert_eq!(situation.sleeps_until(Nanos::LAST, NOW), Nanos::LAST);
        assert_eq!(situation.sleeps_until(hour, NOW), hour);
        situation.due.log = minute;
        assert_eq!(situation.sleeps_until(hour, NOW), minute);
        situation.due.symbolizer = second;
        assert_eq!(situation.sleeps_until(hour, NOW), second);
    }

    #[test]
    fn thread_that_is_wanted_for_a_sample_sleeps_until_that_is_due() {
        let wants = after(STARTUP_DELAY);
        let sample = after(3 * STARTUP_DELAY);
        let mut situation = IDLE;
        assert_eq!(situation.sleeps_until(wants, sample), sample);
        assert_eq!(
            situation.sleeps_until(wants, NOW),
            wants,
            "the sample is due"
        );
        assert_eq!(situation.sleeps_until(NOW, sample), NOW, "it is wanted now");
        let late = after(2 * STARTUP_DELAY);
        assert_eq!(
            situation.sleeps_until(late, sample),
            late,
            "for something else"
        );
        situation.due.machine = wants;
        assert_eq!(
            situation.sleeps_until(wants, sample),
            wants,
            "for the machine"
        );
    }
}
