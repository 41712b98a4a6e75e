//! Publishes the tasks that have not started to the roster, for the hang report: once a
//! phase takes long enough to be in one.

use std::time::Duration;

use super::machine::Machine;
use crate::coordinator::machine::TaskId;
use crate::coordinator::plan::Plan;
use crate::process::ROSTER;
use deadstop_core::Nanos;
use deadstop_core::roster::{Entry, SlotRef};

/// The published pending tasks.
pub(super) struct PublishedPending {
    listed: Vec<(TaskId, SlotRef)>,
    /// Tasks that the roster only counts.
    unlisted: usize,
}

impl PublishedPending {
    /// Returns an empty list, for a coordinator whose tasks are in no report.
    pub(super) fn nothing() -> Self {
        Self {
            listed: Vec::new(),
            unlisted: 0,
        }
    }

    /// Publishes the tasks of the whole shutdown that have not started.
    pub(super) fn publish(machine: &Machine, plan: &Plan) -> Self {
        let mut published = Self::nothing();
        let (tasks, unlisted) = machine.waiting_tasks(ROSTER.pending.capacity());
        for (id, task) in tasks {
            let slot = ROSTER.pending.add(&Entry {
                name: task.shared.name(),
                phase: plan.phases()[task.phase].name.as_str(),
                file: task.site.file(),
                line: task.site.line(),
                started: Nanos(0),
                budget: Duration::ZERO,
            });
            match slot {
                Some(slot) => published.listed.push((id, slot)),
                None => published.unlisted += 1,
            }
        }
        ROSTER.pending.count_unlisted(unlisted);
        published.unlisted += unlisted;
        published
    }

    /// Removes a task that has started.
    pub(super) fn start(&mut self, task: TaskId) {
        let at = self.listed.iter().position(|(id, _)| *id == task);
        if let Some(at) = at {
            let (_, slot) = self.listed.swap_remove(at);
            ROSTER.pending.remove(Some(slot));
        } else if self.unlisted > 0 {
            self.unlisted -= 1;
            ROSTER.pending.uncount_unlisted(1);
        }
    }

    /// Removes all tasks from the roster.
    pub(super) fn remove(self) {
        for (_, slot) in self.listed {
            ROSTER.pending.remove(Some(slot));
        }
        ROSTER.pending.uncount_unlisted(self.unlisted);
    }
}
