//! Counts the requests for a report.
//!
//! # Orderings
//!
//! A request counts up first (`Release`), and its caller then advances the event
//! count of the deadline. The event count's orderings are enough for the reporter
//! to see the request, so the counts could do without their own, and no model can
//! see them.

use crate::primitives::atomic::{AtomicU32, Ordering};

/// The number of requests for each kind of report.
pub(crate) struct Requests {
    abandoned: AtomicU32,
    stall: AtomicU32,
    serve: AtomicU32,
    status: AtomicU32,
    /// The number of abandonments whose report is written.
    settled: AtomicU32,
}

/// A report that something other than the deadline requests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Request {
    /// A task overran its budget, and was abandoned.
    Abandoned,
    /// A heartbeat is missing.
    Stall,
    /// A client of the health server asked; the sinks get nothing.
    Serve,
    /// The application or an operator asked.
    Status,
}

impl Requests {
    pub(crate) const fn none() -> Self {
        Self {
            abandoned: AtomicU32::new(0),
            stall: AtomicU32::new(0),
            serve: AtomicU32::new(0),
            status: AtomicU32::new(0),
            settled: AtomicU32::new(0),
        }
    }

    /// Counts a request. The reporter must be woken after this.
    /// Async-signal-safe.
    pub(crate) fn add(&self, request: Request) {
        self.of(request).fetch_add(1, Ordering::Release);
    }

    /// Returns the number of requests so far.
    pub(crate) fn count(&self, request: Request) -> u32 {
        self.of(request).load(Ordering::Acquire)
    }

    /// Notes that a report answers the first `count` requests.
    pub(crate) fn settle(&self, request: Request, count: u32) {
        if request == Request::Abandoned {
            self.settled.store(count, Ordering::Release);
        }
    }

    /// Returns `true` if each abandonment has its report.
    pub(crate) fn is_settled(&self) -> bool {
        self.count(Request::Abandoned) == self.settled.load(Ordering::Acquire)
    }

    fn of(&self, request: Request) -> &AtomicU32 {
        match request {
            Request::Abandoned => &self.abandoned,
            Request::Stall => &self.stall,
            Request::Serve => &self.serve,
            Request::Status => &self.status,
        }
    }
}
