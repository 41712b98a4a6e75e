//! The roster: the tables of a shutdown.

use super::labels::Labels;
use super::phases::Phases;
use super::table::Table;
use super::text::Text;
use super::words::words;
use crate::sizes::{CAUSE_LEN, MAX_PENDING_TASKS, MAX_RUNNING_TASKS, MAX_STALLS};

/// The state of a shutdown: its phases, tasks and cause.
#[derive(Debug)]
pub struct Roster {
    /// The phases that have begun.
    pub phases: Phases,
    /// Tasks whose thread has started and has not returned.
    pub running: Table<MAX_RUNNING_TASKS>,
    /// Tasks that have not started.
    pub pending: Table<MAX_PENDING_TASKS>,
    /// Heartbeats that are stalled: `started` is their last tick, `budget` their limit,
    /// and `phase` the word for the policy.
    pub stalls: Table<MAX_STALLS>,
    /// The cause of the shutdown.
    pub cause: Text<{ words(CAUSE_LEN) }>,
    /// Labels that the application gives to its threads.
    pub labels: Labels,
}

impl Roster {
    /// Creates an empty roster.
    pub const fn empty() -> Self {
        Self {
            phases: Phases::none(),
            running: Table::empty(),
            pending: Table::empty(),
            stalls: Table::empty(),
            cause: Text::empty(),
            labels: Labels::none(),
        }
    }

    /// Makes the roster empty in a child of `fork`, whose parent's tasks are not
    /// its own. No other thread may use it.
    pub fn reset_after_fork(&self) {
        self.phases.reset_after_fork();
        self.running.reset_after_fork();
        self.pending.reset_after_fork();
        self.stalls.reset_after_fork();
        self.cause.reset_after_fork();
        self.labels.reset_after_fork();
    }
}
