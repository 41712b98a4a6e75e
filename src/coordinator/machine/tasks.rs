//! Registers, cancels and starts tasks.

use super::Machine;
use super::action::Action;
use super::ids::{RunId, ScopeId, TaskId};
use super::scope_tree::ScopeState;
use super::slab::sorted;
use super::task::{NewTask, Refusal, Shared, Start, Task, TaskState};
use crate::report::{Ending, Outcome};
use deadstop_core::Nanos;

/// Tasks that have not started.
type Waiting<'a, S, B> = Vec<(TaskId, &'a Task<S, B>)>;

impl<S: Shared, B> Machine<S, B> {
    /// Registers a task, or gives back what it would have run.
    pub(in crate::coordinator) fn register(
        &mut self,
        new: NewTask,
        shared: S,
        body: B,
        now: Nanos,
    ) -> Result<TaskId, (Refusal, B)> {
        let run = match self.current_run(&new) {
            Ok(run) => run,
            Err(why) => return Err(self.refuse(&new, shared, body, why)),
        };
        self.completion.has_tasks = true;
        self.scopes.add_task(new.scope);
        let (scope, phase) = (new.scope, new.phase);
        let task = Task::new(new, shared, body);
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

    /// Returns the run in whose current phase the task would be; `None` if its phase is still to
    /// come.
    fn current_run(&self, new: &NewTask) -> Result<Option<RunId>, Refusal> {
        match self.scopes.state(self.scopes.owner(new.scope)) {
            ScopeState::Open if self.is_over() => Err(Refusal::Over),
            ScopeState::Open => Ok(None),
            ScopeState::Stopped(_) => Err(Refusal::Over),
            ScopeState::Stopping(id) => match self.runs.get(id.0) {
                None => Err(Refusal::Over),
                Some(run) if new.phase < run.phase => Err(Refusal::PhaseOver),
                Some(run) => Ok((new.phase == run.phase).then_some(*id)),
            },
        }
    }

    fn refuse(&mut self, new: &NewTask, shared: S, body: B, why: Refusal) -> (Refusal, B) {
        if !self.is_over() {
            self.actions.push(Action::TaskRefused {
                name: shared.clone().into(),
                site: new.site,
            });
            self.refused.push(shared.report(Ending {
                outcome: Outcome::Refused,
                start: 0,
                took: 0,
                budget: 0,
            }));
        }
        (why, body)
    }

    /// Cancels a task that has not started. Returns what it would have run if this call
    /// cancelled it.
    pub(in crate::coordinator) fn cancel(&mut self, id: TaskId, now: Nanos) -> Option<B> {
        if self.is_running(id) {
            return None;
        }
        match self.queued_in(id) {
            // It never came to a run's notice: no report names it.
            None => {
                self.unlink_pending(id);
                self.remove_task(id)?.body
            }
            Some(run) => {
                if let Some(run) = self.runs.get_mut(run.0) {
                    self.tasks.unlink(&mut run.queue, id.0);
                }
                let task = self.remove_task(id)?;
                let begun = self.runs.get(run.0).map_or(now, |run| run.begun);
                let (report, body) = task.into_report(Outcome::Cancelled, now, now, begun);
                if let Some(run) = self.runs.get_mut(run.0) {
                    run.note(report);
                }
                self.settled += 1;
                self.step(run, now);
                body
            }
        }
    }

    /// Removes a task that has nothing left to do, unless its scope is requested to stop: no
    /// report names it. Returns its closure.
    #[cfg(feature = "tokio")]
    pub(in crate::coordinator) fn remove_before_request(
        &mut self,
        id: TaskId,
        now: Nanos,
    ) -> Option<B> {
        let scope = self.tasks.get(id.0)?.scope;
        match self.is_scope_requested(scope) {
            true => None,
            false => self.cancel(id, now),
        }
    }

    /// The run that has a waiting task in its queue: the task's phase has begun.
    fn queued_in(&self, id: TaskId) -> Option<RunId> {
        let task = self.tasks.get(id.0)?;
        let ScopeState::Stopping(id) = *self.scopes.state(self.scopes.owner(task.scope)) else {
            return None;
        };
        let run = self.runs.get(id.0)?;
        (run.phase == task.phase).then_some(id)
    }

    /// Starts the next task that may run: of the whole shutdown first, then of the
    /// scopes in the order of their requests.
    pub(in crate::coordinator) fn start_next(&mut self, now: Nanos) -> Option<Start<S, B>> {
        loop {
            let id = self.index.first_ready()?;
            let phase_ends = self.run_ends(id)?;
            if phase_ends <= now {
                self.step(id, now);
                continue;
            }
            let run = self.runs.get_mut(id.0)?;
            // `now` may have been read before the lock was taken, and the phase begun since.
            let started = now.max(run.started);
            let task_id = TaskId(self.tasks.pop_front(&mut run.queue)?);
            self.tasks.push_back(&mut run.running, task_id.0);
            let task = self.tasks.get_mut(task_id.0)?;
            let own = task.budget.map(|budget| started.saturating_add(budget));
            let ends = own.map_or(phase_ends, |own| own.min(phase_ends));
            if own.is_some() {
                run.budgets.insert((ends, task_id.0));
            }
            task.state = TaskState::Running {
                run: id,
                started,
                ends,
            };
            let start = Start {
                task: task_id,
                run: id,
                site: task.site,
                phase: task.phase,
                started,
                ends,
                own_deadline: run.own_deadline,
                reserved_later: run.reserved_later,
                shared: task.shared.clone(),
                body: task.body.take(),
            };
            self.running += 1;
            self.refresh(id, phase_ends);
            return Some(start);
        }
    }

    /// Returns the number of tasks that may start now.
    pub(in crate::coordinator) fn startable(&self) -> usize {
        self.index.startable()
    }

    /// Ends a task that has returned, or cannot return. The outcome of an abandoned task
    /// stays.
    pub(in crate::coordinator) fn task_ended(&mut self, id: TaskId, outcome: Outcome, now: Nanos) {
        let run = match self.tasks.get(id.0).map(|task| &task.state) {
            Some(TaskState::Running { run, .. }) => *run,
            Some(TaskState::Waiting) | None => return,
        };
        self.end_running(run, id, outcome, now);
        self.step(run, now);
    }

    /// Returns `true` if a run is active and a task has not started.
    pub(in crate::coordinator) fn has_waiting_tasks(&self) -> bool {
        self.is_active() && self.pending_count() > 0
    }

    /// Returns the number of tasks that are registered and have not started.
    pub(in crate::coordinator) fn pending_count(&self) -> usize {
        self.tasks.len() - self.running
    }

    /// Returns the first `most` tasks of the whole shutdown that have not started, those of
    /// its current phase first, and how many more there are. For the hang report.
    pub(in crate::coordinator) fn waiting_tasks(&self, most: usize) -> (Waiting<'_, S, B>, usize) {
        let Some(run) = self.whole_run() else {
            return (Vec::new(), 0);
        };
        let mut count = 0;
        let mut later = Vec::new();
        self.scopes.each_owned(ScopeId::ROOT, &mut |scope| {
            count += scope.tasks;
            // No more of any scope can be among the first.
            let mut left = most;
            for (phase, list) in scope.pending.lists_after(run.phase) {
                for key in self.tasks.iter(list).take(left) {
                    later.push((phase, key));
                    left -= 1;
                }
            }
        });
        count -= run.running.len();
        let mut tasks = Vec::new();
        let mut list = |key| {
            if let Some(task) = self.tasks.get(key) {
                tasks.push((TaskId(key), task));
            }
        };
        let queued = most.min(run.queue.len());
        self.tasks.iter(&run.queue).take(queued).for_each(&mut list);
        for (_, key) in sorted(later).into_iter().take(most - queued) {
            list(key);
        }
        (tasks, count.saturating_sub(most))
    }

    pub(super) fn remove_task(&mut self, id: TaskId) -> Option<Task<S, B>> {
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
