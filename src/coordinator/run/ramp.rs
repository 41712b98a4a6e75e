//! When the pool gets more threads.

use std::time::Duration;

use super::{Run, Stage};
use crate::kill_path::Nanos;

/// How long the pool may be short of threads without any progress before it
/// gets more: one, and twice as many each time that this has brought none
/// either. Tasks that are done at once cost no threads, and a thousand that
/// block have theirs after ten steps.
pub(super) const RAMP: Duration = Duration::from_micros(200);

/// How long the pool may be short of threads with progress all the time: tasks
/// that wait for a disk or a peer are each done soon, but need not wait for one
/// another.
const CROWDED: Duration = Duration::from_millis(5);

/// What the coordinator remembers from look to look.
pub(super) struct Ramp {
    place: usize,
    settled: u64,
    /// How many threads the pool gets next, if it is short of them; none if the
    /// system refuses them.
    step: usize,
    /// When the next are due.
    due: Nanos,
    /// Since when the pool has been short of them, and how many it gets for
    /// that.
    short_since: Option<Nanos>,
    crowd: usize,
}

impl Ramp {
    pub(super) fn new(now: Nanos) -> Self {
        Self {
            place: 0,
            settled: 0,
            step: 1,
            due: now.saturating_add(RAMP),
            short_since: None,
            crowd: 1,
        }
    }

    /// The system refuses threads: they will hardly be had in this phase.
    pub(super) fn is_refused(&mut self) {
        self.step = 0;
    }

    /// When to look next.
    pub(super) fn due(&self) -> Nanos {
        self.due
    }

    /// Whether it is of any use to look soon.
    pub(super) fn has_steps(&self) -> bool {
        self.step > 0
    }

    /// Says how many threads to start.
    pub(super) fn look(&mut self, run: &Run, stage: &mut Stage, now: Nanos, short: bool) -> usize {
        let progress = std::mem::replace(&mut self.settled, stage.settled) != stage.settled;
        let due = self.due <= now;
        if due || progress {
            self.due = now.saturating_add(RAMP);
        }
        if std::mem::replace(&mut self.place, stage.place) != stage.place {
            self.step = 1;
            self.crowd = 1;
        }
        if self.is_crowded(now, short) {
            let more = self.crowd;
            self.crowd *= 2;
            return more;
        }
        if progress {
            self.step = self.step.min(1);
            return 0;
        }
        if !due {
            return 0;
        }
        // Nothing has happened for a moment: this phase takes longer.
        if stage.waiting.is_none() {
            stage.waiting = Some(run.list_waiting(stage));
        }
        if !short {
            return 0;
        }
        let more = self.step;
        self.step *= 2;
        more
    }

    fn is_crowded(&mut self, now: Nanos, short: bool) -> bool {
        if !short {
            self.short_since = None;
            return false;
        }
        let since = *self.short_since.get_or_insert(now);
        let crowded = now.since(since) >= CROWDED;
        if crowded {
            self.short_since = Some(now);
        }
        crowded
    }
}
