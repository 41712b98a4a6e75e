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

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use proptest::prelude::*;

    use super::*;

    const PHASES: usize = 3;

    /// What may be done with a registry.
    #[derive(Clone, Debug)]
    enum Step {
        Insert(usize),
        /// Of those that were ever inserted, this one.
        Remove(prop::sample::Index),
        /// Those whose ids can be divided by this.
        Take(usize, u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..PHASES).prop_map(Step::Insert),
            4 => any::<prop::sample::Index>().prop_map(Step::Remove),
            1 => (0..PHASES, 1..3_u64).prop_map(|(phase, part)| Step::Take(phase, part)),
        ]
    }

    fn task(id: u64, phase: usize) -> Arc<Task> {
        let mut task = Task::named("task", Location::caller());
        (task.id, task.phase) = (id, phase);
        Arc::new(task)
    }

    fn ids<'a, I: IntoIterator<Item = &'a Arc<Task>>>(tasks: I) -> Vec<u64> {
        tasks.into_iter().map(|task| task.id).collect()
    }

    proptest! {
        /// The reference is a list of those that wait, in the order of their
        /// registration.
        #[test]
        fn it_holds_what_a_list_would(steps in prop::collection::vec(any_step(), 0..60)) {
            let mut registry = Registry::new(PHASES);
            let mut all: Vec<Arc<Task>> = Vec::new();
            let mut waiting: Vec<Arc<Task>> = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(phase) => {
                        let task = task(all.len() as u64, phase);
                        registry.insert(Arc::clone(&task));
                        all.push(Arc::clone(&task));
                        waiting.push(task);
                    }
                    Step::Remove(_) if all.is_empty() => {}
                    Step::Remove(which) => {
                        let task = which.get(&all);
                        let there = waiting.iter().position(|other| other.id == task.id);
                        prop_assert_eq!(registry.remove(task), there.is_some());
                        there.map(|at| waiting.remove(at));
                    }
                    Step::Take(phase, part) => {
                        let wanted = |task: &Task| task.id % part == 0;
                        let mut taken = VecDeque::new();
                        registry.take(phase, wanted, &mut taken);
                        let is_taken = |task: &Arc<Task>| task.phase == phase && wanted(task);
                        let expected = waiting.iter().filter(|task| is_taken(task));
                        prop_assert_eq!(ids(&taken), ids(expected));
                        waiting.retain(|task| !is_taken(task));
                    }
                }
                prop_assert_eq!(registry.is_empty(), waiting.is_empty());
                for phase in 0..PHASES {
                    let of_phase = waiting.iter().filter(|task| task.phase == phase);
                    let queue = &registry.phases[phase];
                    prop_assert_eq!(ids(queue.tasks()), ids(of_phase));
                    // At most half of it are gaps.
                    prop_assert!(queue.tasks.len() <= 2 * queue.tasks().count());
                }
            }
            let mut of_all = ids(&waiting);
            of_all.sort_by_key(|id| all[*id as usize].phase);
            for most in 0..5 {
                let (first, beyond) = registry.from(0, most);
                prop_assert_eq!(ids(first.iter().copied()), of_all[..most.min(of_all.len())].to_vec());
                prop_assert_eq!(beyond, of_all.len().saturating_sub(most));
            }
        }
    }

    /// Two threads that were given an id each may come in either order.
    #[test]
    fn a_phase_is_in_the_order_of_the_ids() {
        let mut registry = Registry::new(1);
        for id in [1, 0, 4, 2, 3] {
            registry.insert(task(id, 0));
        }
        assert_eq!(ids(registry.phases[0].tasks()), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn there_is_nothing_behind_the_last_phase() {
        let mut registry = Registry::new(1);
        assert!(registry.is_empty_at(0));
        registry.insert(task(0, 0));
        assert!(!registry.is_empty_at(0));
        assert!(registry.is_empty_at(1));
        assert_eq!(registry.from(1, 9).0.len(), 0);
    }
}
