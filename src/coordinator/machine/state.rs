//! The machine's state, and the events that concern all of it.

use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::completion::Completion;
use super::ids::{RunId, ScopeId, TaskId};
use super::index::{Indexed, RunIndex};
use super::policy::Rules;
use super::run::Run;
use super::scope_tree::{ScopeState, Scopes};
use super::slab::Slab;
use super::task::{Shared, Task, TaskState};
use crate::cause::Cause;
use crate::coordinator::plan::Plan;
use crate::report::{PhaseReport, TaskReport};
use deadstop_core::Nanos;

/// The longest time for which tasks are held, as a share of the time up to the deadline.
const HOLD_SHARE: u32 = 10;

/// The same as a time.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// The state of a coordinator. `S` is what a task shares with the driver, and `B` what it
/// runs; the machine only hands them out.
pub(in crate::coordinator) struct Machine<S, B> {
    pub(super) plan: Arc<Plan>,
    pub(super) rules: Rules,
    /// The process's deadline.
    pub(super) deadline: Nanos,
    pub(super) tasks: Slab<Task<S, B>>,
    pub(super) next_task: u64,
    pub(super) scopes: Scopes,
    pub(super) runs: Slab<Run>,
    pub(super) next_run: u64,
    pub(super) index: RunIndex,
    pub(super) running: usize,
    pub(super) refused: Vec<TaskReport>,
    /// The phases' reports of the whole shutdown, until it begins. Made and touched before:
    /// memory that a shutdown touches first costs it a page fault for each page.
    pub(super) blank_reports: Vec<PhaseReport>,
    pub(super) cause: Option<Arc<Cause>>,
    pub(super) completion: Completion,
    /// Counts the tasks that have an outcome, and the phases that have begun.
    pub(super) settled: u64,
    pub(super) phases_begun: u64,
    /// Set if the whole shutdown holds its tasks until it is released.
    holds: bool,
    pub(super) actions: Vec<Action<S, B>>,
}

impl<S: Shared, B> Machine<S, B> {
    pub(in crate::coordinator) fn new(plan: Arc<Plan>, rules: Rules) -> Self {
        Self {
            blank_reports: plan.blank_reports(),
            plan,
            rules,
            deadline: Nanos::LAST,
            tasks: Slab::new(),
            next_task: 0,
            scopes: Scopes::new(),
            runs: Slab::new(),
            next_run: 0,
            index: RunIndex::default(),
            running: 0,
            refused: Vec::new(),
            cause: None,
            completion: Completion::new(),
            settled: 0,
            phases_begun: 0,
            holds: false,
            actions: Vec::new(),
        }
    }

    /// Takes the decisions made since the last call, in order. `used` is empty, and
    /// gives its memory to the decisions that follow.
    pub(in crate::coordinator) fn take_actions(
        &mut self,
        used: Vec<Action<S, B>>,
    ) -> Vec<Action<S, B>> {
        std::mem::replace(&mut self.actions, used)
    }

    /// Returns `true` if there are decisions to take.
    pub(in crate::coordinator) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Sets the process's deadline. It may be brought forward, and an estimate of the exit's
    /// cost may move it a little either way.
    pub(in crate::coordinator) fn set_deadline(&mut self, at: Nanos, now: Nanos) {
        if self.deadline != at {
            self.deadline = at;
            for run in self.runs.keys() {
                self.step(RunId(run), now);
            }
            self.check_completion(now);
        }
    }

    /// Begins the whole shutdown, whose clock started at `begun`. The phases before
    /// `first` are skipped. Later calls change nothing.
    pub(in crate::coordinator) fn begin(
        &mut self,
        cause: Cause,
        begun: Nanos,
        first: usize,
        now: Nanos,
    ) {
        if self.has_begun() {
            return;
        }
        let run = self.new_run(ScopeId::ROOT, cause, begun, Nanos::LAST, first);
        let longest = self.deadline.since(begun) / HOLD_SHARE;
        if let Some(run) = self.runs.get_mut(run.0) {
            self.cause = Some(Arc::clone(&run.cause));
            let until = now.saturating_add(longest.min(LONGEST_HOLD));
            run.held_until = self.holds.then_some(until);
        }
        self.completion.begin();
        self.enter_phase(run, now);
        self.step(run, now);
        self.check_completion(now);
    }

    /// Makes the whole shutdown hold its tasks from its beginning until
    /// [`release`](Self::release), or for a tenth of its time, 1 s at most. Changes nothing
    /// once it has begun.
    pub(in crate::coordinator) fn hold(&mut self) {
        self.holds = true;
    }

    /// Lets the tasks of the whole shutdown start.
    pub(in crate::coordinator) fn release(&mut self, now: Nanos) {
        self.holds = false;
        let ScopeState::Stopping(run) = *self.scopes.state(ScopeId::ROOT) else {
            return;
        };
        if let Some(held) = self.runs.get_mut(run.0) {
            held.held_until = None;
        }
        self.step(run, now);
    }

    /// Returns `true` if the whole shutdown has begun.
    pub(in crate::coordinator) fn has_begun(&self) -> bool {
        !self.scopes.is_open(ScopeId::ROOT)
    }

    /// Returns the cause of the whole shutdown.
    pub(in crate::coordinator) fn cause(&self) -> Option<&Cause> {
        self.cause.as_deref()
    }

    /// Does what is due at `now`.
    pub(in crate::coordinator) fn advance(&mut self, now: Nanos) {
        while let Some(run) = self.index.due(now) {
            self.step(run, now);
        }
        self.check_completion(now);
    }

    /// Returns the time at which [`advance`](Self::advance) must be called next, if
    /// nothing else happens.
    pub(in crate::coordinator) fn next_wakeup(&self) -> Option<Nanos> {
        let completion = self.completion.next_wakeup(self.rules.when_done);
        completion.into_iter().chain(self.index.next_wakeup()).min()
    }

    /// Returns the time at which a phase has used half of the time up to its end, or to the first
    /// end of a running task's budget: a report about an abandoned task may follow.
    pub(in crate::coordinator) fn half_time(&self) -> Option<Nanos> {
        let halves = self.runs.values().filter_map(|run| {
            let phase = self.plan.phases().get(run.phase)?;
            let phase_ends = run.ends(phase, self.deadline);
            let budget_ends = run.budgets.first().map_or(phase_ends, |(at, _)| at);
            let time = phase_ends.min(budget_ends).since(run.started);
            Some(run.started.saturating_add(time / 2))
        });
        halves.min()
    }

    /// Returns `true` if a run is active.
    pub(in crate::coordinator) fn is_active(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Counts the tasks that have an outcome, and the phases that have begun: two
    /// numbers that grow with progress.
    pub(in crate::coordinator) fn progress(&self) -> (u64, u64) {
        (self.settled, self.phases_begun)
    }

    /// Returns the index of the phase that the whole shutdown is in: `None` before it begins,
    /// the number of phases once all are over.
    pub(in crate::coordinator) fn phase(&self) -> Option<usize> {
        match self.scopes.state(ScopeId::ROOT) {
            ScopeState::Open => None,
            ScopeState::Stopping(run) => self.runs.get(run.0).map(|run| run.phase),
            ScopeState::Stopped(_) => Some(self.plan.phases().len()),
        }
        .or_else(|| self.has_begun().then(|| self.plan.phases().len()))
    }

    pub(super) fn whole_run(&self) -> Option<&Run> {
        match self.scopes.state(ScopeId::ROOT) {
            ScopeState::Stopping(run) => self.runs.get(run.0),
            ScopeState::Open | ScopeState::Stopped(_) => None,
        }
    }

    /// Returns the cause of the run, if it is not over.
    pub(in crate::coordinator) fn cause_of(&self, run: RunId) -> Option<&Arc<Cause>> {
        self.runs.get(run.0).map(|run| &run.cause)
    }

    /// Calls `look` with the tasks of each run that run, the latest first: when it started,
    /// and what it shares. Where it returns `false`, those before are left out.
    pub(in crate::coordinator) fn each_running_back(
        &self,
        mut look: impl FnMut(TaskId, Nanos, &S) -> bool,
    ) {
        for run in self.runs.values() {
            for key in self.tasks.iter_back(&run.running) {
                let Some(task) = self.tasks.get(key) else {
                    continue;
                };
                if let TaskState::Running { started, .. } = task.state {
                    if !look(TaskId(key), started, &task.shared) {
                        break;
                    }
                }
            }
        }
    }

    /// Returns `true` if the task runs, and is not abandoned.
    pub(in crate::coordinator) fn is_running(&self, id: TaskId) -> bool {
        let state = self.tasks.get(id.0).map(|task| task.state);
        matches!(state, Some(TaskState::Running { .. }))
    }

    /// Updates the index for a run that has changed, whose phase's time is over at `ends`.
    pub(super) fn refresh(&mut self, id: RunId, ends: Nanos) {
        let Some(run) = self.runs.get_mut(id.0) else {
            return;
        };
        let budget = run.budgets.first().map_or(ends, |(at, _)| at);
        let held = run.held_until.unwrap_or(ends);
        let indexed = Indexed {
            startable: run.startable(self.rules.max_concurrent_tasks),
            wakeup: Some(ends.min(budget).min(held)),
        };
        let before = std::mem::replace(&mut run.indexed, indexed);
        self.index.set(id, before, indexed);
    }
}
