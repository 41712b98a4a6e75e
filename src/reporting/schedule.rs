//! The reporter's schedule.
//!
//! ```text
//! next ──┬─▶ Leave               the thread is retired
//!        ├─▶ Report              the deadline is near, and its report is not written
//!        ├─▶ Answer(Abandoned)   a task was abandoned since the last report
//!        ├─▶ Answer(Stall)       a heartbeat is missing
//!        ├─▶ Answer(Serve)       the health server was asked for a status report
//!        ├─▶ Answer(Status)      a status report was requested, and the last is old
//!        ├─▶ Sample              samples of hung tasks are due
//!        └─▶ Wait                for a change, or until one of these may be due
//! ```
//!
//! # Orderings
//!
//! The retirement of the thread advances the event count of the deadline, as a
//! request does. The reporter reads the event count before everything else, so that every
//! later change cuts its wait short.

use std::time::Duration;

use crate::primitives::{Deadline, Nanos};
use crate::process::report_requests::{Request, Requests};

/// The report comes a tenth of the grace before the deadline, at most this.
const BEFORE: Duration = Duration::from_millis(500);

/// The shortest time from one status report to the next. Requests in between
/// share one report.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// The time between two samples of hung tasks: a part of the grace, at most this.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);
const SAMPLE_PART: u32 = 16;

/// In the order in which reports are written.
const REQUESTS: [Request; 4] = [
    Request::Abandoned,
    Request::Stall,
    Request::Serve,
    Request::Status,
];

/// The reports that were written, and when.
pub(super) struct Schedule {
    answered: [u32; REQUESTS.len()],
    has_reported: bool,
    last_status: Option<Nanos>,
    last_sample: Option<Nanos>,
}

/// The next step of the thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// End the thread.
    Leave,
    /// Write the report for the deadline.
    Report,
    /// Write another report, and be done in time for the deadline's if that is
    /// to follow.
    Answer {
        request: Request,
        report_follows: bool,
    },
    /// Sample hung tasks.
    Sample,
    /// Wait for a change past the count that was seen, or until something may be
    /// due.
    Wait { seen: u32, due: Option<Nanos> },
}

impl Schedule {
    /// Creates the schedule of a thread that is about to start: it answers each request from
    /// here on, however long it takes to begin.
    pub(super) fn new(requests: &Requests) -> Self {
        Self {
            answered: REQUESTS.map(|request| requests.count(request)),
            has_reported: false,
            last_status: None,
            last_sample: None,
        }
    }

    /// Decides the next step. It reads the count of changes first, so that every later
    /// change cuts the wait short.
    pub(super) fn next(
        &mut self,
        deadline: &Deadline,
        requests: &Requests,
        is_retired: impl FnOnce() -> bool,
        now: impl FnOnce() -> Nanos,
    ) -> Next {
        let seen = deadline.change_count();
        if is_retired() {
            return Next::Leave;
        }
        let report_due = due(deadline).filter(|_| !self.has_reported);
        let now = now();
        if report_due.is_some_and(|due| due <= now) {
            self.has_reported = true;
            return Next::Report;
        }
        let mut next = report_due;
        for (request, answered) in REQUESTS.into_iter().zip(&mut self.answered) {
            let count = requests.count(request);
            if count == *answered {
                continue;
            }
            let due = match (request, self.last_status) {
                (Request::Status, Some(last)) => last.saturating_add(STATUS_INTERVAL),
                _ => now,
            };
            if now < due {
                next = Some(next.map_or(due, |next| next.min(due)));
                continue;
            }
            *answered = count;
            if request == Request::Status {
                self.last_status = Some(now);
            }
            return Next::Answer {
                request,
                report_follows: !self.has_reported,
            };
        }
        if let Some(due) = self.sample_due(deadline) {
            if due <= now {
                self.last_sample = Some(now);
                return Next::Sample;
            }
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        Next::Wait { seen, due: next }
    }

    /// Returns the number of answered requests of this kind.
    pub(super) fn answered(&self, request: Request) -> u32 {
        let index = REQUESTS.iter().position(|known| *known == request);
        index.map_or(0, |index| self.answered[index])
    }

    /// Returns the time at which the next sample is due: while a shutdown runs whose
    /// report is to come.
    fn sample_due(&self, deadline: &Deadline) -> Option<Nanos> {
        let (begun, exit) = deadline.begun().zip(deadline.exit_at())?;
        let part = exit.since(begun) / SAMPLE_PART;
        let last = self.last_sample.unwrap_or(begun);
        let next = last.saturating_add(part.min(SAMPLE_INTERVAL));
        (!self.has_reported).then_some(next)
    }
}

/// Returns the time at which the report is due, if the deadline is known.
#[inline(never)] // Each wait of a report asks for it.
pub(super) fn due(deadline: &Deadline) -> Option<Nanos> {
    let (begun, exit) = deadline.begun().zip(deadline.exit_at())?;
    Some(due_at(begun, exit))
}

/// Returns the time at which the report is due of a shutdown that began at `begun` and
/// whose deadline is at `at`.
#[inline(never)] // As `due`.
pub(crate) fn due_at(begun: Nanos, at: Nanos) -> Nanos {
    at.saturating_sub((at.since(begun) / 10).min(BEFORE))
}
