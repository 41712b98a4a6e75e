//! Index of runs with tasks to start, and of the next time at which each run needs
//! attention. A thousand runs cost no more than the one that changes.

use super::ids::RunId;
use super::sorted_set::SortedSet;
use deadstop_core::Nanos;

/// Ready runs are sorted by their number alone.
const NO_TIME: Nanos = Nanos(0);

#[derive(Default)]
pub(super) struct RunIndex {
    ready: SortedSet,
    wakeups: SortedSet,
    startable: usize,
}

/// The index's data about a run; the run keeps it.
#[derive(Clone, Copy)]
pub(super) struct Indexed {
    pub(super) startable: usize,
    pub(super) wakeup: Option<Nanos>,
}

impl Indexed {
    /// A run that the index does not know.
    pub(super) const NOT: Self = Self {
        startable: 0,
        wakeup: None,
    };
}

impl RunIndex {
    pub(super) fn first_ready(&self) -> Option<RunId> {
        let (_, run) = self.ready.first()?;
        Some(RunId(run))
    }

    pub(super) fn startable(&self) -> usize {
        self.startable
    }

    pub(super) fn next_wakeup(&self) -> Option<Nanos> {
        self.wakeups.first().map(|(at, _)| at)
    }

    /// Returns the run that is due first, if it is due at `now`.
    pub(super) fn due(&self, now: Nanos) -> Option<RunId> {
        let (at, run) = self.wakeups.first()?;
        (at <= now).then_some(RunId(run))
    }

    /// Forgets a run.
    pub(super) fn remove(&mut self, run: RunId, indexed: Indexed) {
        self.set(run, indexed, Indexed::NOT);
    }

    /// Changes what it knows of a run. Most changes are of the number alone.
    pub(super) fn set(&mut self, run: RunId, before: Indexed, after: Indexed) {
        if before.startable != after.startable {
            self.startable = self.startable - before.startable + after.startable;
            match (before.startable > 0, after.startable > 0) {
                (false, true) => self.ready.insert((NO_TIME, run.0)),
                (true, false) => self.ready.remove((NO_TIME, run.0)),
                _ => {}
            }
        }
        if before.wakeup != after.wakeup {
            if let Some(at) = before.wakeup {
                self.wakeups.remove((at, run.0));
            }
            if let Some(at) = after.wakeup {
                self.wakeups.insert((at, run.0));
            }
        }
    }
}
