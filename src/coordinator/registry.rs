//! The tasks that wait for their turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::task::Task;

/// The tasks that wait for their turn, by phase and in the order of their
/// registration.
pub(super) struct Registry {
    phases: Vec<BTreeMap<u64, Arc<Task>>>,
}

impl Registry {
    pub(super) fn new(phases: usize) -> Self {
        Self {
            phases: vec![BTreeMap::new(); phases],
        }
    }

    pub(super) fn insert(&mut self, task: Arc<Task>) {
        self.phases[task.phase].insert(task.id, task);
    }

    pub(super) fn remove(&mut self, task: &Task) {
        self.phases[task.phase].remove(&task.id);
    }

    /// Takes the tasks of `phase` for which `wanted` holds.
    pub(super) fn take(&mut self, phase: usize, wanted: impl Fn(&Task) -> bool) -> Vec<Arc<Task>> {
        let all = std::mem::take(&mut self.phases[phase]);
        let (taken, left) = all.into_iter().partition(|(_, task)| wanted(task));
        self.phases[phase] = left;
        let taken: BTreeMap<_, _> = taken;
        taken.into_values().collect()
    }

    /// The tasks of all phases from `phase` on.
    pub(super) fn from(&self, phase: usize) -> impl Iterator<Item = &Arc<Task>> {
        self.phases[phase.min(self.phases.len())..]
            .iter()
            .flat_map(BTreeMap::values)
    }
}
