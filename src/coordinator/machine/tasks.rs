//! Registers, cancels and starts tasks.

use std::sync::Arc;

use super::Machine;
use super::action::Action;
use super::ids::{ScopeId, TaskId};
use super::scope_tree::ScopeState;
use super::task::{NewTask, Refusal, Start, Task, TaskState};
use crate::report::{Outcome, Site, TaskReport};
use deadstop_core::Nanos;

impl<P: Clone> Machine<P> {
    /// Registers a task, or gives its payload back.
    pub(in crate::coordinator) fn register(
        &mut self,
        new: NewTask,
        payload: P,
        now: Nanos,
    ) -> Result<TaskId, (Refusal, P)> {
        let owner = self.scopes.owner(new.scope);
        let run = match self.scopes.state(owner) {
            ScopeState::Open if self.is_over() => {
                return Err(self.refuse(&new, payload, Refusal::Over));
            }
            ScopeState::Open => None,
            ScopeState::Stopped(_) => return Err(self.refuse(&new, payload, Refusal::Over)),
            ScopeState::Stopping(run) => match self.runs.get(run.0) {
                None => return Err(self.refuse(&new, payload, Refusal::Over)),
                Some(state) if new.phase < state.place => {
                    return Err(self.refuse(&new, payload, Refusal::PhaseOver));
                }
                Some(state) if new.phase == state.place => Some(*run),
                Some(_) => None,
            },
        };
        self.completion.has_tasks = true;
        self.scopes.add_task(new.scope);
        let (scope, phase) = (new.scope, new.phase);
        let state = run.map_or(TaskState::Pending, TaskState::Queued);
        let task = Task::new(new, payload, state);
        let key = self.tasks.insert(self.next_task, task);
        self.next_task += 1;
        match run {
            None => {
                if let Some(list) = self.scopes.pending_of(scope, phase) {
                    self.tasks.push_back(list, key);
                }
            }
            Some(run) => {
                if let Some(run) = self.runs.get_mut(run.0) {
                    self.tasks.push_back(&mut run.queue, key);
                }
                self.step(run, now);
            }
        }
        Ok(TaskId(key))
    }

    fn refuse(&mut self, new: &NewTask, payload: P, why: Refusal) -> (Refusal, P) {
        if !self.is_over() {
            let (name, site) = (Arc::clone(&new.name), new.site);
            self.actions.push(Action::TaskRefused {
                name: Arc::clone(&name),
                site,
            });
            self.refused.push(TaskReport {
                name,
                outcome: Outcome::Refused,
                start: 0,
                took: 0,
                budget: 0,
                site: Site::of(site),
            });
        }
        (why, payload)
    }

    /// Cancels a task that has not started. Returns its payload if this call
    /// cancelled it.
    pub(in crate::coordinator) fn cancel(&mut self, id: TaskId, now: Nanos) -> Option<P> {
        match self.tasks.get(id.0)?.state {
            // It never came to a run's notice: no report names it.
            TaskState::Pending => {
                self.unlink_pending(id);
                Some(self.remove_task(id)?.payload)
            }
            TaskState::Queued(run) => {
                if let Some(run) = self.runs.get_mut(run.0) {
                    self.tasks.unlink(&mut run.queue, id.0);
                }
                let task = self.remove_task(id)?;
                if let Some(run) = self.runs.get_mut(run.0) {
                    run.note(task.report(Outcome::Cancelled, now, now, run.begun));
                }
                self.settled += 1;
                self.step(run, now);
                Some(task.payload)
            }
            TaskState::Running { .. } => None,
        }
    }

    /// Starts the next task that may run: of the whole shutdown first, then of the
    /// scopes in the order of their requests.
    pub(in crate::coordinator) fn start_next(&mut self, now: Nanos) -> Option<Start<P>> {
        loop {
            let id = self.index.first_ready()?;
            if self.run_ends(id).is_some_and(|ends| ends <= now) {
                self.step(id, now);
                continue;
            }
            let ends = self.run_ends(id)?;
            let run = self.runs.get_mut(id.0)?;
            let task_id = TaskId(self.tasks.pop_front(&mut run.queue)?);
            self.tasks.push_back(&mut run.running, task_id.0);
            let task = self.tasks.get_mut(task_id.0)?;
            let own = task.budget.map(|budget| now.saturating_add(budget));
            let ends = own.map_or(ends, |own| own.min(ends));
            if own.is_some() {
                run.budgets.insert((ends, task_id));
            }
            task.state = TaskState::Running {
                run: id,
                started: now,
                ends,
            };
            let start = Start {
                task: task_id,
                name: Arc::clone(&task.name),
                site: task.site,
                phase: task.phase,
                started: now,
                ends,
                own_deadline: run.own_deadline,
                reserved_later: run.reserved_later,
                cause: Arc::clone(&run.cause),
                payload: task.payload.clone(),
            };
            self.running += 1;
            self.refresh(id);
            return Some(start);
        }
    }

    /// How many tasks may start now.
    pub(in crate::coordinator) fn startable(&self) -> usize {
        self.index.startable()
    }

    /// Ends a task that has returned, or cannot return. The outcome of an abandoned task
    /// stays.
    pub(in crate::coordinator) fn task_ended(&mut self, id: TaskId, outcome: Outcome, now: Nanos) {
        let run = match self.tasks.get(id.0).map(|task| &task.state) {
            Some(TaskState::Running { run, .. }) => *run,
            Some(TaskState::Pending | TaskState::Queued(_)) | None => return,
        };
        self.end_running(run, id, outcome, now);
        self.step(run, now);
    }

    /// Returns `true` if a run is active and a task has not started.
    pub(in crate::coordinator) fn has_waiting_tasks(&self) -> bool {
        self.is_active() && self.pending_count() > 0
    }

    /// How many tasks are registered and have not started.
    pub(in crate::coordinator) fn pending_count(&self) -> usize {
        self.tasks.len() - self.running
    }

    /// The first `most` tasks of the whole shutdown that have not started, those of
    /// its current phase first, and how many more there are. For the hang report.
    pub(in crate::coordinator) fn waiting_tasks(
        &self,
        most: usize,
    ) -> (Vec<(TaskId, &Task<P>)>, usize) {
        let Some(run) = self.whole_run() else {
            return (Vec::new(), 0);
        };
        let mut count = 0;
        let mut later = Vec::new();
        self.scopes.each_owned(ScopeId::ROOT, |scope| {
            count += scope.tasks;
            // No more of any scope can be among the first.
            let keys = scope
                .pending
                .lists_after(run.place)
                .flat_map(|(phase, list)| {
                    let keys = self.tasks.iter(list);
                    keys.map(move |key| (phase, key))
                });
            later.extend(keys.take(most));
        });
        count -= run.running.len();
        later.sort_unstable();
        let later = later.into_iter().map(|(_, key)| key);
        let listed = self.tasks.iter(&run.queue).chain(later).take(most);
        let tasks = listed.filter_map(|key| Some((TaskId(key), self.tasks.get(key)?)));
        (tasks.collect(), count.saturating_sub(most))
    }

    pub(super) fn remove_task(&mut self, id: TaskId) -> Option<Task<P>> {
        let task = self.tasks.remove(id.0)?;
        self.scopes.remove_task(task.scope);
        Some(task)
    }

    /// Takes a task whose phase has not begun out of its scope's list.
    pub(super) fn unlink_pending(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get(id.0) else {
            return;
        };
        let (scope, phase) = (task.scope, task.phase);
        if let Some(list) = self.scopes.pending_of(scope, phase) {
            self.tasks.unlink(list, id.0);
        }
    }
}
