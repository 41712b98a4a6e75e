//! Those whose turn has not come, as the hang report lists them.

use std::sync::Arc;
use std::time::Duration;

use super::{Run, Stage};
use crate::coordinator::task::Task;
use crate::kill_path::{self, Nanos, Place};
use crate::report::ROSTER;

/// The tasks whose turn has not come, on the roster's list of them.
pub(super) struct Waiting {
    /// Of this phase, for want of a thread or of leave; each by its number.
    of_phase: Vec<(u64, Place)>,
    /// Of later phases.
    of_later: Vec<Place>,
    /// Those of each kind for which the list has no room.
    beyond_of_phase: usize,
    beyond_of_later: usize,
}

impl Waiting {
    /// The turn of one of them has come.
    pub(super) fn start(&mut self, task: &Task) {
        let listed = self.of_phase.iter().position(|(id, _)| *id == task.id);
        if let Some(at) = listed {
            let (_, place) = self.of_phase.swap_remove(at);
            ROSTER.waiting.leave(Some(place));
        } else if self.beyond_of_phase > 0 {
            self.beyond_of_phase -= 1;
            ROSTER.waiting.uncrowd(1);
        }
    }

    pub(super) fn leave(self) {
        let of_phase = self.of_phase.into_iter().map(|(_, place)| place);
        for place in of_phase.chain(self.of_later) {
            ROSTER.waiting.leave(Some(place));
        }
        let beyond = self.beyond_of_phase + self.beyond_of_later;
        ROSTER.waiting.uncrowd(beyond);
    }
}

impl Run {
    /// Lists, for the hang report, those whose turn has not come.
    pub(super) fn list_waiting(&self, stage: &Stage) -> Waiting {
        let mut waiting = Waiting {
            of_phase: Vec::new(),
            of_later: Vec::new(),
            beyond_of_phase: 0,
            beyond_of_later: 0,
        };
        if !self.is_of_whole() {
            return waiting;
        }
        let room = ROSTER.waiting.room();
        for task in stage.held_back.iter().take(room) {
            match self.list(task) {
                Some(place) => waiting.of_phase.push((task.id, place)),
                None => waiting.beyond_of_phase += 1,
            }
        }
        let unlisted = stage.held_back.len().saturating_sub(room);
        ROSTER.waiting.crowd(unlisted);
        waiting.beyond_of_phase += unlisted;

        let registry = self.core.registry.lock();
        let (later, unlisted) = registry.from(stage.place + 1, room);
        for task in later {
            match self.list(task) {
                Some(place) => waiting.of_later.push(place),
                None => waiting.beyond_of_later += 1,
            }
        }
        ROSTER.waiting.crowd(unlisted);
        waiting.beyond_of_later += unlisted;
        waiting
    }

    /// The task's place on the list; `None` if there is no room, and it is only
    /// counted.
    fn list(&self, task: &Arc<Task>) -> Option<Place> {
        ROSTER.waiting.enter(&kill_path::Entry {
            name: &task.name,
            phase: self.core.plan.phases()[task.phase].name.as_str(),
            file: task.site.file(),
            line: task.site.line(),
            started: Nanos(0),
            budget: Duration::ZERO,
        })
    }
}
