//! Makes, stops and restarts scopes.

use std::sync::Arc;

use super::Machine;
use super::action::Action;
use super::ids::{ScopeId, TaskId};
use super::scope_tree::{Scope, ScopeState};
use super::task::Shared;
use crate::cause::Cause;
use crate::report::ShutdownReport;
use deadstop_core::Nanos;

/// The result of a request to stop a scope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::coordinator) enum Request {
    /// This request stops it.
    First,
    /// It stops already, alone or with its parent.
    Again,
    /// There is no such scope, except for the handle that asks.
    Unknown,
}

/// The answer to a thread that waits for a scope.
pub(in crate::coordinator) enum ScopeOutcome {
    Report(Arc<ShutdownReport>),
    /// It has stopped with the whole shutdown.
    WithWhole,
    /// It has not stopped.
    NotYet,
}

impl<S: Shared, B> Machine<S, B> {
    /// Finds the scope `name` in `parent`, or makes it, and counts in a handle.
    /// Slashes make scopes in scopes. `detached` is of one that is made.
    pub(in crate::coordinator) fn open_scope(
        &mut self,
        parent: ScopeId,
        name: &str,
        detached: bool,
    ) -> (ScopeId, Arc<str>) {
        let mut id = parent;
        let mut names = name.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            let known = self.scopes.get(id).children.get(name).copied();
            id = known.unwrap_or_else(|| {
                let detached = detached && names.peek().is_none();
                self.make_scope(id, name, detached)
            });
        }
        self.hold_scope(id);
        (id, self.scopes.path(id))
    }

    fn make_scope(&mut self, parent: ScopeId, name: &str, detached: bool) -> ScopeId {
        let path = format!("{}/{name}", self.scopes.get(parent).path);
        let scope = Scope::new(path.into(), name.into(), Some(parent), detached);
        let id = ScopeId(self.scopes.all.insert(self.scopes.next, scope));
        self.scopes.next += 1;
        if let Some(parent) = self.scopes.all.get_mut(parent.0) {
            parent.children.insert(name.into(), id);
        }
        id
    }

    /// Counts in a handle of a scope.
    pub(in crate::coordinator) fn hold_scope(&mut self, id: ScopeId) {
        if let Some(scope) = self.scopes.all.get_mut(id.0) {
            scope.handles += 1;
        }
    }

    /// Counts out a handle of a scope.
    pub(in crate::coordinator) fn drop_scope(&mut self, id: ScopeId) {
        if let Some(scope) = self.scopes.all.get_mut(id.0) {
            scope.handles -= 1;
        }
        self.scopes.release(id);
    }

    /// Notes that the program asks or waits whether the scope stops: it has a use for the
    /// scope.
    pub(in crate::coordinator) fn use_scope(&mut self, id: ScopeId) {
        if let Some(scope) = self.scopes.all.get_mut(id.0) {
            scope.is_used = true;
        }
    }

    /// Returns the number of scopes, the root included.
    #[cfg(test)]
    pub(super) fn scope_count(&self) -> usize {
        self.scopes.all.len()
    }

    /// Returns `true` if the scope's stop was requested: its own, or one that it joins.
    pub(in crate::coordinator) fn is_scope_requested(&self, id: ScopeId) -> bool {
        !self.scopes.is_open(self.scopes.owner(id))
    }

    /// Requests a scope to stop alone, by `deadline`.
    pub(in crate::coordinator) fn request_scope(
        &mut self,
        id: ScopeId,
        cause: Cause,
        deadline: Nanos,
        now: Nanos,
    ) -> Request {
        if id == ScopeId::ROOT || self.is_over() || self.is_scope_requested(id) {
            return Request::Again;
        }
        if !self.scopes.is_used(id) {
            return Request::Unknown;
        }
        let run = self.new_run(id, cause, now, deadline, 0);
        let cause = self.runs.get(run.0).map(|run| Arc::clone(&run.cause));
        if let Some(cause) = cause {
            let path = self.scopes.path(id);
            self.actions.push(Action::ScopeBegan { path, cause });
        }
        self.enter_phase(run, now);
        self.step(run, now);
        Request::First
    }

    /// Counts the restarts of a scope.
    pub(in crate::coordinator) fn restarts(&self, id: ScopeId) -> u64 {
        self.scopes.get(id).restarts
    }

    /// Returns the outcome of a scope, for a caller that saw it after so many restarts.
    pub(in crate::coordinator) fn scope_outcome(&self, id: ScopeId, restarts: u64) -> ScopeOutcome {
        let scope = self.scopes.get(id);
        if scope.restarts != restarts {
            if let Some(before) = &scope.before {
                return ScopeOutcome::Report(Arc::clone(before));
            }
        }
        let owner = self.scopes.owner(id);
        match self.scopes.state(owner) {
            ScopeState::Stopped(report) => ScopeOutcome::Report(Arc::clone(report)),
            _ if self.is_over() => ScopeOutcome::WithWhole,
            ScopeState::Open | ScopeState::Stopping(_) => ScopeOutcome::NotYet,
        }
    }

    /// Returns `true` if a task that waits for the scope to stop would wait for itself.
    pub(in crate::coordinator) fn waits_for_itself(&self, task: TaskId, id: ScopeId) -> bool {
        let Some(task) = self.tasks.get(task.0) else {
            return false;
        };
        let owner = self.scopes.owner(id);
        // The end of the whole comes after every task.
        let with_whole = owner == ScopeId::ROOT && self.has_begun();
        with_whole || self.scopes.is_in(task.scope, id) || self.scopes.owner(task.scope) == owner
    }

    /// Makes a scope that has stopped, and those in it, ready for new tasks.
    pub(in crate::coordinator) fn restart_scope(&mut self, id: ScopeId) -> bool {
        let ScopeState::Stopped(report) = self.scopes.state(id).clone() else {
            return false;
        };
        if self.has_begun() {
            return false;
        }
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            let Some(scope) = self.scopes.all.get_mut(id.0) else {
                continue;
            };
            next.extend(scope.children.values().copied());
            let own = match std::mem::replace(&mut scope.state, ScopeState::Open) {
                ScopeState::Open => None,
                ScopeState::Stopped(own) => Some(own),
                stopping @ ScopeState::Stopping(_) => {
                    // It goes on by itself.
                    scope.state = stopping;
                    continue;
                }
            };
            scope.restarts += 1;
            scope.before = Some(own.unwrap_or_else(|| Arc::clone(&report)));
        }
        true
    }
}
