//! Those whose turn has not come, as the hang report lists them.

use std::sync::Arc;
use std::time::Duration;

use super::Run;
use crate::coordinator::task::Task;
use crate::kill_path::{self, Nanos, Place};
use crate::report::ROSTER;

/// The tasks whose turn has not come, on the roster's list of them.
pub(super) struct Waiting {
    places: Vec<Option<Place>>,
    beyond: usize,
}

impl Waiting {
    pub(super) fn leave(self) {
        for place in self.places {
            ROSTER.waiting.leave(place);
        }
        ROSTER.waiting.uncrowd(self.beyond);
    }
}

impl Run {
    /// Lists, for the hang report, those whose turn has not come.
    pub(super) fn list_waiting(&self, place: usize) -> Waiting {
        if !self.node.is_root() {
            return Waiting {
                places: Vec::new(),
                beyond: 0,
            };
        }
        let registry = self.core.registry.lock();
        let (waiting, beyond) = registry.from(place + 1, ROSTER.waiting.room());
        ROSTER.waiting.crowd(beyond);
        let list = |task: &Arc<Task>| {
            ROSTER.waiting.enter(&kill_path::Entry {
                name: &task.name,
                phase: self.core.plan.phases()[task.phase].name.as_str(),
                file: task.site.file(),
                line: task.site.line(),
                started: Nanos(0),
                budget: Duration::ZERO,
            })
        };
        let places = waiting.into_iter().map(list).collect();
        Waiting { places, beyond }
    }
}
