//! The tasks that wait for their turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::task::Task;

/// The tasks that wait for their turn, by phase and in the order of their
/// registration.
pub(super) struct Registry {
    phases: Vec<BTreeMap<u64, Arc<Task>>>,
    len: usize,
}

impl Registry {
    pub(super) fn new(phases: usize) -> Self {
        Self {
            phases: vec![BTreeMap::new(); phases],
            len: 0,
        }
    }

    pub(super) fn insert(&mut self, task: Arc<Task>) {
        self.phases[task.phase].insert(task.id, task);
        self.len += 1;
    }

    pub(super) fn remove(&mut self, task: &Task) {
        if self.phases[task.phase].remove(&task.id).is_some() {
            self.len -= 1;
        }
    }

    /// Takes the tasks of `phase` for which `wanted` holds.
    pub(super) fn take(&mut self, phase: usize, wanted: impl Fn(&Task) -> bool) -> Vec<Arc<Task>> {
        let all = std::mem::take(&mut self.phases[phase]);
        let (taken, left) = all.into_iter().partition(|(_, task)| wanted(task));
        self.phases[phase] = left;
        let taken: BTreeMap<_, _> = taken;
        self.len -= taken.len();
        taken.into_values().collect()
    }

    /// The first `most` tasks of the phases from `phase` on, and how many there
    /// are beyond them.
    pub(super) fn from(&self, phase: usize, most: usize) -> (Vec<&Arc<Task>>, usize) {
        let phases = self.phases.get(phase..).unwrap_or_default();
        let tasks = phases.iter().flat_map(BTreeMap::values).take(most);
        let tasks: Vec<_> = tasks.collect();
        // Earlier phases have none left, but for those of detached scopes.
        let beyond = match tasks.len() < most {
            true => 0,
            false => self.len - most,
        };
        (tasks, beyond)
    }
}
