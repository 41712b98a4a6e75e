//! Time limits of a report, by its reason.

use std::time::Duration;

use crate::process::WATCH;
use crate::process::report_requests::Request;
use deadstop_core::Nanos;
use deadstop_core::render::Kind;

use super::schedule::due;

/// The longest wait of a report that is not the deadline's for threads and sinks.
const ON_REQUEST: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) kind: Kind,
    until: Nanos,
    /// Set if the report for the deadline is still to come.
    is_first: bool,
}

impl Patience {
    pub(super) fn at_deadline(now: Nanos) -> Self {
        Self {
            kind: Kind::Deadline,
            until: WATCH.deadline().exit_at().unwrap_or(now),
            is_first: false,
        }
    }

    pub(super) fn on_request(request: Request, now: Nanos, is_first: bool) -> Self {
        Self {
            kind: match request {
                Request::Abandoned => Kind::Abandoned,
                Request::Stall => Kind::Stall,
                Request::Serve | Request::Status => Kind::Status,
            },
            until: now.saturating_add(ON_REQUEST),
            is_first,
        }
    }

    /// Returns the time at which this must be over, which the shutdown may bring
    /// forward meanwhile.
    #[inline(never)] // As `due`.
    pub(super) fn end(self) -> Nanos {
        match due(WATCH.deadline()).filter(|_| self.is_first) {
            Some(due) => self.until.min(due),
            None => self
                .until
                .min(WATCH.deadline().exit_at().unwrap_or(Nanos::LAST)),
        }
    }

    /// Returns the point half-way to the end: the second half is for rendering, and for sinks
    /// that block.
    pub(super) fn half(self, now: Nanos) -> Nanos {
        now.saturating_add(self.end().since(now) / 2)
    }

    /// Returns `true` if the report for the deadline is due, which the shutdown may
    /// have brought since this one began.
    pub(super) fn makes_way(self) -> bool {
        self.is_first && due(WATCH.deadline()).is_some_and(|due| due <= deadstop_core::now())
    }
}
