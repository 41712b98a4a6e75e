//! A handle's scope, counted in and out.

use std::sync::Arc;

use super::coordinator::Coordinator;
use crate::coordinator::machine::ScopeId;

/// A handle's scope, counted out when it is dropped.
pub(in crate::coordinator) struct ScopeHandle {
    pub(in crate::coordinator) coordinator: Arc<Coordinator>,
    pub(in crate::coordinator) id: ScopeId,
    pub(in crate::coordinator) path: Arc<str>,
}

impl ScopeHandle {
    pub(in crate::coordinator) fn root(coordinator: &Arc<Coordinator>) -> Self {
        Self {
            coordinator: Arc::clone(coordinator),
            id: ScopeId::ROOT,
            path: Arc::clone(&coordinator.root_path),
        }
    }

    /// Returns the scope `name` in this one. In a child of `fork`, returns this one.
    pub(in crate::coordinator) fn open(&self, name: &str, detached: bool) -> Self {
        let coordinator = Arc::clone(&self.coordinator);
        let (id, path) = match coordinator.is_here() {
            true => coordinator.change(|machine, _| machine.open_scope(self.id, name, detached)),
            false => (ScopeId::ROOT, Arc::clone(&self.path)),
        };
        Self {
            coordinator,
            id,
            path,
        }
    }
}

impl Clone for ScopeHandle {
    fn clone(&self) -> Self {
        if self.id != ScopeId::ROOT && self.coordinator.is_here() {
            self.coordinator
                .change(|machine, _| machine.hold_scope(self.id));
        }
        Self {
            coordinator: Arc::clone(&self.coordinator),
            id: self.id,
            path: Arc::clone(&self.path),
        }
    }
}

impl Drop for ScopeHandle {
    fn drop(&mut self) {
        if self.id != ScopeId::ROOT && self.coordinator.is_here() {
            self.coordinator
                .change(|machine, _| machine.drop_scope(self.id));
        }
    }
}
