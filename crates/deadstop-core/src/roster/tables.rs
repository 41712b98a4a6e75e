//! The roster: the tables of a shutdown.

use core::ffi::c_int;
use core::time::Duration;

use super::labels::Labels;
use super::phases::Phases;
use super::table::Table;
use super::text::Text;
use super::words::words;
use crate::atomic::{AtomicI32, Ordering};
use crate::sizes::{CAUSE_LEN, MAX_PENDING_TASKS, MAX_RUNNING_TASKS, MAX_STALLS};
use crate::sys::Nanos;

/// The time after which the first phase should have begun.
const LATE: Duration = Duration::from_millis(100);

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
    /// The coordinator's thread, which begins the phases; 0 if there is none.
    coordinator: AtomicI32,
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
            coordinator: AtomicI32::new(0),
        }
    }

    /// Sets the thread that begins the phases.
    pub fn set_coordinator(&self, tid: c_int) {
        self.coordinator.store(tid, Ordering::Relaxed);
    }

    /// Returns the coordinator's thread if it has begun no phase, 100 ms after the shutdown was
    /// `requested`: it waits for the allocator, whose lock another thread holds. `None` if no
    /// shutdown was requested: a watchdog that the program has armed begins none.
    pub fn late_coordinator(&self, requested: Option<Nanos>, now: Nanos) -> Option<c_int> {
        let is_late = now.since(requested?) >= LATE && !self.phases.have_begun();
        let tid = self.coordinator.load(Ordering::Relaxed);
        (is_late && tid != 0).then_some(tid)
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
        self.set_coordinator(0);
    }
}
