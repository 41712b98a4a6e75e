//! A run's way through its phases, each until its tasks have ended or its time has.

use std::sync::Arc;
use std::time::Duration;

use super::Machine;
use super::action::Action;
use super::ids::{RunId, ScopeId, TaskId};
use super::index::Indexed;
use super::run::Run;
use super::scope_tree::ScopeState;
use super::slab::{Key, List, sorted};
use super::sorted_set::SortedSet;
use super::task::{Shared, TaskState};
use crate::cause::Cause;
use crate::coordinator::phase::OnFailure;
use crate::report::{Outcome, ShutdownReport, Skip, TaskReport};
use deadstop_core::Nanos;

impl<S: Shared, B> Machine<S, B> {
    /// Makes the run of `owner`, which owns its scopes from here on.
    pub(super) fn new_run(
        &mut self,
        owner: ScopeId,
        cause: Cause,
        begun: Nanos,
        own_deadline: Nanos,
        first: usize,
    ) -> RunId {
        let (number, phases) = if owner == ScopeId::ROOT {
            (RunId::WHOLE, std::mem::take(&mut self.blank_reports))
        } else {
            self.next_run += 1;
            (self.next_run, self.plan.blank_reports())
        };
        let run = Run {
            owner,
            cause: Arc::new(cause),
            begun,
            own_deadline,
            first,
            held_until: None,
            phase: 0,
            started: begun,
            reserved_later: Duration::ZERO,
            queue: List::default(),
            running: List::default(),
            budgets: SortedSet::default(),
            phases,
            sequence_ended: false,
            indexed: Indexed::NOT,
        };
        let id = RunId(self.runs.insert(number, run));
        self.scopes.set_state(owner, ScopeState::Stopping(id));
        id
    }

    /// Returns the end of the time of the run's phase.
    pub(super) fn run_ends(&self, id: RunId) -> Option<Nanos> {
        let run = self.runs.get(id.0)?;
        let planned = self.plan.phases().get(run.phase)?;
        Some(run.ends(planned, self.deadline))
    }

    /// Takes all steps that are due at `now`.
    pub(super) fn step(&mut self, id: RunId, now: Nanos) {
        if let Some(ends) = self.take_steps(id, now) {
            self.refresh(id, ends);
        }
    }

    /// Returns when the time of the phase that the run is in then is over; `None` if the run
    /// is.
    fn take_steps(&mut self, id: RunId, now: Nanos) -> Option<Nanos> {
        loop {
            let run = self.runs.get_mut(id.0)?;
            let planned = self.plan.phases().get(run.phase)?;
            let ends = run.ends(planned, self.deadline);
            if ends <= now {
                self.end_time(id, ends, now);
            } else {
                if run.is_held(now) {
                    return Some(ends);
                }
                if run.budgets.first().is_some() {
                    self.abandon_over_budget(id, now);
                }
                if self.runs.get(id.0)?.has_tasks() {
                    return Some(ends);
                }
            }
            self.close_phase(id, ends, now);
            self.enter_phase(id, now);
        }
    }

    /// The phase's time is over: running tasks are abandoned, others are skipped.
    fn end_time(&mut self, id: RunId, ends: Nanos, now: Nanos) {
        let Some(run) = self.runs.get_mut(id.0) else {
            return;
        };
        let begun = run.begun;
        let mut queue = std::mem::take(&mut run.queue);
        run.budgets.clear();
        let running: Vec<Key> = self.tasks.iter(&run.running).collect();
        for task in running {
            self.abandon(id, TaskId(task), now);
        }
        while let Some(task) = self.tasks.pop_front(&mut queue) {
            let no_time = Outcome::Skipped(Skip::NoTime);
            let Some(task) = self.remove_task(TaskId(task)) else {
                continue;
            };
            let (report, body) = task.into_report(no_time, ends, now, begun);
            self.actions
                .extend(body.map(|body| Action::Discard { body }));
            log_failure(&mut self.actions, &report);
            self.settled += 1;
            if let Some(run) = self.runs.get_mut(id.0) {
                run.note(report);
            }
        }
    }

    fn abandon_over_budget(&mut self, id: RunId, now: Nanos) {
        while let Some(run) = self.runs.get_mut(id.0) {
            let Some((at, task)) = run.budgets.first() else {
                return;
            };
            if at > now {
                return;
            }
            run.budgets.remove((at, task));
            self.abandon(id, TaskId(task), now);
        }
    }

    fn abandon(&mut self, id: RunId, task: TaskId, now: Nanos) {
        let shared = self.tasks.get(task.0).map(|task| task.shared.clone());
        if let Some(shared) = shared {
            self.actions.push(Action::Abandon { task: shared });
            self.end_running(id, task, Outcome::OverBudget, now);
        }
    }

    /// Records the outcome of a running task.
    pub(super) fn end_running(&mut self, id: RunId, task_id: TaskId, outcome: Outcome, now: Nanos) {
        let Some(run) = self.runs.get_mut(id.0) else {
            return;
        };
        self.tasks.unlink(&mut run.running, task_id.0);
        let Some(task) = self.tasks.remove(task_id.0) else {
            return;
        };
        self.scopes.remove_task(task.scope);
        self.running -= 1;
        if task.budget.is_some() {
            if let TaskState::Running { ends, .. } = task.state {
                run.budgets.remove((ends, task_id.0));
            }
        }
        let (report, _) = task.into_report(outcome, now, now, run.begun);
        self.settled += 1;
        log_failure(&mut self.actions, &report);
        run.note(report);
    }

    /// Takes a task that waits, and is in no list, out of the machine, with `outcome`.
    /// Returns its phase and its report.
    pub(super) fn skip(
        &mut self,
        id: TaskId,
        outcome: Outcome,
        now: Nanos,
        begun: Nanos,
    ) -> Option<(usize, TaskReport)> {
        let task = self.remove_task(id)?;
        let phase = task.phase;
        let (report, body) = task.into_report(outcome, now, now, begun);
        self.actions
            .extend(body.map(|body| Action::Discard { body }));
        self.settled += 1;
        Some((phase, report))
    }

    /// The phase that runs is over; `ends` is when its time would have been.
    fn close_phase(&mut self, id: RunId, ends: Nanos, now: Nanos) {
        let Some(run) = self.runs.get_mut(id.0) else {
            return;
        };
        let Some(planned) = self.plan.phases().get(run.phase) else {
            return;
        };
        let mut has_failure = false;
        if let Some(report) = run.phases.get_mut(run.phase) {
            report.start = run.started.0.saturating_sub(run.begun.0);
            report.took = now.0.saturating_sub(run.started.0);
            report.budget = ends.0.saturating_sub(run.started.0);
            has_failure = report.tasks.has_failure();
        }
        run.sequence_ended |= planned.on_failure == OnFailure::End && has_failure;
        if run.owner == ScopeId::ROOT && run.skips(planned).is_none() {
            self.actions.push(Action::PhaseEnded { now });
        }
        run.phase += 1;
    }

    /// Begins the run's next phase that is not skipped, or ends the run.
    pub(super) fn enter_phase(&mut self, id: RunId, now: Nanos) {
        loop {
            let Some(run) = self.runs.get_mut(id.0) else {
                return;
            };
            let Some(planned) = self.plan.phases().get(run.phase) else {
                self.end_run(id, now);
                return;
            };
            run.started = now;
            let (owner, phase, skips) = (run.owner, run.phase, run.skips(planned));
            let mut tasks = self.take_pending(owner, phase);
            let Some(why) = skips else {
                self.begin_phase(id, phase, tasks, now);
                return;
            };
            if why == Skip::Disabled && !tasks.is_empty() {
                let tasks = tasks.len();
                self.actions.push(Action::PhaseDisabled { phase, tasks });
            }
            while let Some(task) = self.tasks.pop_front(&mut tasks) {
                let begun = self.runs.get(id.0).map_or(now, |run| run.begun);
                let skipped = self.skip(TaskId(task), Outcome::Skipped(why), now, begun);
                if let (Some((_, report)), Some(run)) = (skipped, self.runs.get_mut(id.0)) {
                    run.note(report);
                }
            }
            self.close_phase(id, now, now);
        }
    }

    fn begin_phase(&mut self, id: RunId, phase: usize, tasks: List, now: Nanos) {
        let Some(run) = self.runs.get(id.0) else {
            return;
        };
        let (owner, is_of_whole) = (run.owner, run.owner == ScopeId::ROOT);
        let length = self.deadline.min(run.own_deadline).since(run.begun);
        let has_tasks = |later| self.has_pending_at(owner, later);
        let reserved_later = self.plan.reserved_after(phase, length, has_tasks);
        if let Some(run) = self.runs.get_mut(id.0) {
            run.queue = tasks;
            if let Some(report) = run.phases.get_mut(phase) {
                report.tasks.reserve(run.queue.len());
            }
            run.reserved_later = reserved_later;
        }
        self.phases_begun += 1;
        if is_of_whole {
            let ends = self.run_ends(id).unwrap_or(now);
            self.actions.push(Action::PhaseBegan { phase, now, ends });
        }
    }

    fn has_pending_at(&self, owner: ScopeId, phase: usize) -> bool {
        let mut found = false;
        self.scopes.each_owned(owner, &mut |scope| {
            found |= scope.pending.has(phase);
        });
        found
    }

    /// Takes the tasks of the phase out of the scopes that the run of `owner` owns.
    fn take_pending(&mut self, owner: ScopeId, phase: usize) -> List {
        let mut first = None;
        // Without memory, for as long as there is one list.
        let mut lists: Vec<List> = Vec::new();
        self.scopes.each_owned_mut(owner, &mut |scope| {
            if let Some(list) = scope.pending.take(phase) {
                match first {
                    None => first = Some(list),
                    Some(_) => lists.push(list),
                }
            }
        });
        let first = first.unwrap_or_default();
        if lists.is_empty() {
            return first;
        }
        lists.push(first);
        let mut keys: Vec<Key> = Vec::new();
        for list in &lists {
            keys.extend(self.tasks.iter(list));
        }
        // In the order of their registration.
        let mut all = List::default();
        for key in sorted(keys) {
            self.tasks.push_back(&mut all, key);
        }
        all
    }

    fn end_run(&mut self, id: RunId, now: Nanos) {
        let Some(run) = self.runs.remove(id.0) else {
            return;
        };
        self.index.remove(id, run.indexed);
        let path = self.scopes.path(run.owner);
        let is_of_whole = run.owner == ScopeId::ROOT;
        let refused = if is_of_whole {
            // Refusals of scopes that still stop alone stay theirs.
            Vec::new()
        } else {
            self.take_refused(&path)
        };
        let mut report = ShutdownReport {
            cause: (*run.cause).clone(),
            phases: run.phases,
            refused,
            took: now.since(run.begun),
            status: 0,
            threads_refused: false,
            #[cfg(feature = "fault")]
            missed_faults: Vec::new(),
        };
        if is_of_whole {
            self.root_ended(report);
        } else {
            report.status = self.status(&report);
            let report = Arc::new(report);
            let stopped = ScopeState::Stopped(Arc::clone(&report));
            self.scopes.set_state(run.owner, stopped);
            self.actions.push(Action::ScopeEnded { path, report });
            self.scopes.release(run.owner);
        }
        self.check_completion(now);
    }

    fn take_refused(&mut self, path: &str) -> Vec<TaskReport> {
        let is_below = |name: &str| {
            let rest = name.strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let mut own = Vec::new();
        for task in std::mem::take(&mut self.refused) {
            match is_below(task.name()) {
                true => own.push(task),
                false => self.refused.push(task),
            }
        }
        own
    }
}

/// Decides to log a task that left its work undone.
fn log_failure<S, B>(actions: &mut Vec<Action<S, B>>, report: &TaskReport) {
    if report.outcome().is_failure() {
        actions.push(Action::TaskFailed {
            name: report.name().into(),
            outcome: report.outcome().clone(),
        });
    }
}
