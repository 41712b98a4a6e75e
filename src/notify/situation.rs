//! The state of the process that notifications report.

use deadstop_core::Nanos;

use super::heartbeats::Heartbeats;

/// The reloads so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reloads {
    pub(super) begun: u32,
    pub(super) ended: u32,
    /// The time at which the last one began.
    pub(super) at: Nanos,
}

/// A shutdown that has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stop {
    /// The end of the process; `Nanos::LAST` without a deadline.
    pub(super) deadline: Nanos,
    /// The time of the hang report, whose first line is the service's status from then on.
    pub(super) report_due: Nanos,
}

/// The state of the process that messages report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) is_ready: bool,
    pub(super) reloads: Reloads,
    pub(super) stop: Option<Stop>,
    pub(super) heartbeats: Heartbeats,
    /// The service manager knows the predecessor alone, until this process is ready.
    pub(super) has_predecessor: bool,
    /// The process that has taken over.
    pub(super) successor: Option<u32>,
}

impl Situation {
    /// Returns the time at which a heartbeat was found late, if one is late.
    pub(super) fn late_since(&self) -> Option<Nanos> {
        match self.heartbeats {
            Heartbeats::Late { since } => Some(since),
            _ => None,
        }
    }
}
