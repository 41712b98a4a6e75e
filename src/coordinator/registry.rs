//! The tasks that wait for their turn.

use std::collections::VecDeque;
use std::sync::Arc;

use super::task::Task;

/// The tasks that wait for their turn, by phase and in the order of their
/// registration.
pub(super) struct Registry {
    phases: Vec<Queue>,
    len: usize,
}

/// The tasks of a phase, by their ids. One that was removed leaves a gap: the
/// closing of them is put off until they are half of all.
#[derive(Clone, Default)]
struct Queue {
    tasks: Vec<(u64, Option<Arc<Task>>)>,
    gaps: usize,
}

impl Registry {
    pub(super) fn new(phases: usize) -> Self {
        Self {
            phases: vec![Queue::default(); phases],
            len: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn insert(&mut self, task: Arc<Task>) {
        self.phases[task.phase].insert(task);
        self.len += 1;
    }

    /// Whether it was there.
    pub(super) fn remove(&mut self, task: &Task) -> bool {
        let removed = self.phases[task.phase].remove(task.id);
        self.len -= usize::from(removed);
        removed
    }

    /// Whether `phase` has none. There are none behind the last phase.
    pub(super) fn is_empty_at(&self, phase: usize) -> bool {
        let queue = self.phases.get(phase);
        queue.is_none_or(|queue| queue.tasks.is_empty())
    }

    /// Takes the tasks of `phase` for which `wanted` holds, to the end of `to`.
    pub(super) fn take(
        &mut self,
        phase: usize,
        wanted: impl Fn(&Task) -> bool,
        to: &mut VecDeque<Arc<Task>>,
    ) {
        let all = std::mem::take(&mut self.phases[phase]);
        let before = to.len();
        to.reserve(all.tasks.len() - all.gaps);
        for task in all.tasks.into_iter().filter_map(|(_, task)| task) {
            match wanted(&task) {
                true => to.push_back(task),
                false => self.phases[phase].insert(task),
            }
        }
        self.len -= to.len() - before;
    }

    /// The first `most` tasks of the phases from `phase` on, and how many there
    /// are beyond them.
    pub(super) fn from(&self, phase: usize, most: usize) -> (Vec<&Arc<Task>>, usize) {
        let phases = self.phases.get(phase..).unwrap_or_default();
        let tasks = phases.iter().flat_map(Queue::tasks).take(most);
        let tasks: Vec<_> = tasks.collect();
        // Earlier phases have none left, but for those of detached scopes.
        let beyond = match tasks.len() < most {
            true => 0,
            false => self.len - most,
        };
        (tasks, beyond)
    }
}

impl Queue {
    fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.iter().filter_map(|(_, task)| task.as_ref())
    }

    fn insert(&mut self, task: Arc<Task>) {
        // Nearly always at the end: the ids grow, and two threads that got one
        // each may come here in either order.
        let at = self.tasks.iter().rposition(|(id, _)| *id < task.id);
        self.tasks
            .insert(at.map_or(0, |at| at + 1), (task.id, Some(task)));
    }

    fn remove(&mut self, id: u64) -> bool {
        let Ok(at) = self.tasks.binary_search_by_key(&id, |(id, _)| *id) else {
            return false;
        };
        if self.tasks[at].1.take().is_none() {
            return false;
        }
        self.gaps += 1;
        if self.gaps * 2 > self.tasks.len() {
            self.tasks.retain(|(_, task)| task.is_some());
            self.gaps = 0;
        }
        true
    }
}
