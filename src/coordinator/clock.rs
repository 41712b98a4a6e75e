//! The one clock of a run.

use crate::installation::WATCH;
use crate::kill_path::Nanos;

/// When a run began, and when it has to be over. All budgets of the run are
/// counted on it.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    begun: Nanos,
    own: Nanos,
}

impl Clock {
    /// The clock of the whole process: it began with the first trigger.
    pub(super) fn of_process(now: Nanos) -> Self {
        Self {
            begun: WATCH.deadline().begun().unwrap_or(now),
            own: Nanos::LAST,
        }
    }

    /// The clock of a part of it, with a deadline of its own.
    pub(super) fn of_scope(begun: Nanos, deadline: Nanos) -> Self {
        Self {
            begun,
            own: deadline,
        }
    }

    pub(super) fn begun(&self) -> Nanos {
        self.begun
    }

    /// The deadline as it stands, or when the process begins to go so as to be
    /// gone by it; it may still be brought forward.
    pub(super) fn deadline(&self) -> Nanos {
        WATCH
            .deadline()
            .exit()
            .map_or(self.own, |at| at.min(self.own))
    }
}
