//! Ends the whole shutdown once no run is left, and counts who waits for that.

use super::Machine;
use super::action::Action;
use super::completion::{Stage, WARN_AFTER};
use super::ids::TaskId;
use super::policy::{CleanExit, WhenDone};
use super::task::Shared;
use crate::cause::Cause;
use crate::report::{Outcome, ShutdownReport, Skip};
use deadstop_core::Nanos;

impl<S: Shared, B> Machine<S, B> {
    /// Returns `true` if every phase of the whole shutdown is over.
    pub(in crate::coordinator) fn is_over(&self) -> bool {
        !matches!(self.completion.stage, Stage::Before | Stage::Running)
    }

    /// Returns `true` if a task was ever registered.
    pub(in crate::coordinator) fn had_tasks(&self) -> bool {
        self.completion.has_tasks
    }

    /// Counts in a thread or future that begins to wait for the end.
    pub(in crate::coordinator) fn add_waiter(&mut self) {
        self.completion.waiters += 1;
        self.completion.unwaited_since = None;
    }

    /// Counts out a waiter that has left without ending the process.
    pub(in crate::coordinator) fn remove_waiter(&mut self, now: Nanos) {
        self.completion.waiters = self.completion.waiters.saturating_sub(1);
        self.watch_for_waiters(now);
    }

    pub(in crate::coordinator) fn is_waited_for(&self) -> bool {
        self.completion.waiters > 0
    }

    /// Notes that the summary is written: the end is announced now.
    pub(in crate::coordinator) fn conclude(&mut self, now: Nanos) {
        self.completion.stage = Stage::Over;
        let left = self.deadline.since(now);
        self.completion.warn_after = (left / 10).min(WARN_AFTER);
        self.watch_for_waiters(now);
    }

    fn watch_for_waiters(&mut self, now: Nanos) {
        let completion = &mut self.completion;
        let is_over = matches!(completion.stage, Stage::Over);
        if is_over && completion.has_tasks && completion.waiters == 0 {
            completion.unwaited_since = Some(now);
        }
    }

    /// Notes that the root's run is over.
    pub(super) fn root_ended(&mut self, report: ShutdownReport) {
        self.completion.stage = Stage::RootOver(Box::new(report));
    }

    pub(super) fn check_completion(&mut self, now: Nanos) {
        if self.runs.is_empty() {
            self.finish_root(now);
        }
        let when_done = self.rules.when_done;
        let due = self.completion.next_wakeup(when_done);
        if due.is_some_and(|due| due <= now) {
            self.completion.unwaited_since = None;
            self.actions.push(match when_done {
                WhenDone::Exit => Action::Exit,
                WhenDone::Wait => Action::WarnNoWaiter,
            });
        }
    }

    /// Completes the report once no run is left: with the tasks of detached scopes
    /// that nothing requested to stop, and with the status.
    fn finish_root(&mut self, now: Nanos) {
        let stage = std::mem::replace(&mut self.completion.stage, Stage::Concluding);
        let mut report = match stage {
            Stage::RootOver(report) => report,
            other => {
                self.completion.stage = other;
                return;
            }
        };
        let begun = Nanos(now.0.saturating_sub(report.took.as_nanos() as u64));
        for id in self.tasks.keys() {
            let id = TaskId(id);
            self.unlink_pending(id);
            let why = Outcome::Skipped(Skip::NotRequested);
            if let Some((phase, task)) = self.skip(id, why, now, begun) {
                report.phases[phase].tasks.push(task);
            }
        }
        report.refused.append(&mut self.refused);
        report.status = self.status(&report);
        self.actions.push(Action::AllEnded(report.into()));
    }

    /// Returns the exit status that belongs to `report`.
    pub(super) fn status(&self, report: &ShutdownReport) -> u8 {
        if !report.is_clean() {
            return self.rules.failure_status;
        }
        match (report.cause(), self.rules.clean_exit) {
            (Cause::Panicked { .. }, _) => 101,
            (Cause::Stalled { .. }, _) => self.rules.failure_status,
            (Cause::Signaled { signal, .. }, CleanExit::SignalStatus | CleanExit::Reraise) => {
                128 | signal.number().unsigned_abs() as u8
            }
            _ => 0,
        }
    }
}
