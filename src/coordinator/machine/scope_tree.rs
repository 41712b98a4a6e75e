//! The tree of scopes: which run a task belongs to, and when a scope is forgotten.
//!
//! ```text
//!          request                 its run ends
//!  Open ──────────────▶ Stopping ───────────────▶ Stopped
//!    ▲                                               │
//!    └──────────────────── restart ──────────────────┘
//! ```
//!
//! A task belongs to the run of its scope's owner: the nearest scope, from its own
//! towards the root, that is not `Open`, is detached, or is the root. A scope changes
//! to `Stopping` in the call that requests it, so there is no time at which two runs
//! could claim its tasks.
//!
//! A scope without handles, tasks and scopes in it is forgotten, unless it is
//! `Stopping`. One that is found again by its name is a new one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use super::ids::{RunId, ScopeId};
use super::pending::Pending;
use super::slab::{Key, List, Slab};
use crate::report::ShutdownReport;

/// Scopes by name. Names are the program's own: random keys, which std asks the system for,
/// are not needed.
type Children = HashMap<Box<str>, ScopeId, BuildHasherDefault<DefaultHasher>>;

pub(super) struct Scope {
    /// Empty for the root, `/ingest/reader` below.
    pub(super) path: Arc<str>,
    /// The last part of the path.
    name: Box<str>,
    parent: Option<ScopeId>,
    detached: bool,
    pub(super) children: Children,
    pub(super) handles: usize,
    /// Tasks that have not ended.
    pub(super) tasks: usize,
    /// Set if the program has used it for more than to stop it.
    pub(super) is_used: bool,
    pub(super) state: ScopeState,
    pub(super) restarts: u64,
    /// The report of the run before the last restart.
    pub(super) before: Option<Arc<ShutdownReport>>,
    /// Tasks whose phase has not begun.
    pub(super) pending: Pending,
}

#[derive(Clone)]
pub(super) enum ScopeState {
    Open,
    Stopping(RunId),
    Stopped(Arc<ShutdownReport>),
}

pub(super) struct Scopes {
    pub(super) all: Slab<Scope>,
    pub(super) next: u64,
}

impl Scopes {
    pub(super) fn new() -> Self {
        let mut root = Scope::new("".into(), "".into(), None, false);
        // Never forgotten.
        root.handles = 1;
        let mut all = Slab::new();
        all.insert(0, root);
        Self { all, next: 1 }
    }

    pub(super) fn get(&self, id: ScopeId) -> &Scope {
        // A handle, a task or a run keeps its scope, and the root is never forgotten.
        let scope = self.all.get(id.0).or_else(|| self.all.get(Key::FIRST));
        scope.expect("the root is a scope")
    }

    pub(super) fn path(&self, id: ScopeId) -> Arc<str> {
        Arc::clone(&self.get(id).path)
    }

    pub(super) fn state(&self, id: ScopeId) -> &ScopeState {
        &self.get(id).state
    }

    pub(super) fn is_open(&self, id: ScopeId) -> bool {
        matches!(self.get(id).state, ScopeState::Open)
    }

    pub(super) fn set_state(&mut self, id: ScopeId, state: ScopeState) {
        if let Some(scope) = self.all.get_mut(id.0) {
            scope.state = state;
        }
    }

    /// Returns the scope whose run the tasks of `id` belong to.
    pub(super) fn owner(&self, mut id: ScopeId) -> ScopeId {
        loop {
            let scope = self.get(id);
            match scope.parent {
                Some(parent) if !scope.detached && matches!(scope.state, ScopeState::Open) => {
                    id = parent;
                }
                _ => return id,
            }
        }
    }

    /// Calls `look` with each scope that the run of `owner` owns.
    pub(super) fn each_owned<'a>(&'a self, owner: ScopeId, look: &mut dyn FnMut(&'a Scope)) {
        let mut next = Vec::new();
        let mut at = Some(owner);
        while let Some(id) = at.take().or_else(|| next.pop()) {
            let Some(scope) = self.all.get(id.0) else {
                continue;
            };
            if id == owner || scope.joins_parent() {
                look(scope);
                next.extend(scope.children.values().copied());
            }
        }
    }

    pub(super) fn each_owned_mut(&mut self, owner: ScopeId, change: &mut dyn FnMut(&mut Scope)) {
        let mut next = Vec::new();
        let mut at = Some(owner);
        while let Some(id) = at.take().or_else(|| next.pop()) {
            let Some(scope) = self.all.get_mut(id.0) else {
                continue;
            };
            if id == owner || scope.joins_parent() {
                change(scope);
                next.extend(scope.children.values().copied());
            }
        }
    }

    /// Returns the list of the scope's tasks of a phase that has not begun.
    pub(super) fn pending_of(&mut self, id: ScopeId, phase: usize) -> Option<&mut List> {
        let scope = self.all.get_mut(id.0)?;
        Some(scope.pending.list(phase))
    }

    pub(super) fn add_task(&mut self, id: ScopeId) {
        if let Some(scope) = self.all.get_mut(id.0) {
            scope.tasks += 1;
            scope.is_used = true;
        }
    }

    pub(super) fn remove_task(&mut self, id: ScopeId) {
        if let Some(scope) = self.all.get_mut(id.0) {
            scope.tasks -= 1;
            if scope.tasks == 0 && scope.handles == 0 {
                self.release(id);
            }
        }
    }

    /// Forgets the scope if nothing keeps it, and then those that it was in.
    pub(super) fn release(&mut self, mut id: ScopeId) {
        while let Some(scope) = self.all.get(id.0) {
            let is_kept = scope.handles > 0
                || scope.tasks > 0
                || !scope.children.is_empty()
                || matches!(scope.state, ScopeState::Stopping(_));
            let Some(parent) = scope.parent.filter(|_| !is_kept) else {
                return;
            };
            if let Some(scope) = self.all.remove(id.0) {
                if let Some(parent) = self.all.get_mut(parent.0) {
                    parent.children.remove(&scope.name);
                }
            }
            id = parent;
        }
    }

    /// Returns `true` if `id` is `other`, or is in it.
    pub(super) fn is_in(&self, mut id: ScopeId, other: ScopeId) -> bool {
        loop {
            if id == other {
                return true;
            }
            match self.get(id).parent {
                Some(parent) => id = parent,
                None => return false,
            }
        }
    }

    pub(super) fn is_used(&self, id: ScopeId) -> bool {
        let scope = self.get(id);
        scope.is_used || scope.tasks > 0 || !scope.children.is_empty()
    }
}

impl Scope {
    pub(super) fn new(
        path: Arc<str>,
        name: Box<str>,
        parent: Option<ScopeId>,
        detached: bool,
    ) -> Self {
        Self {
            path,
            name,
            parent,
            detached,
            children: Children::default(),
            handles: 0,
            tasks: 0,
            is_used: false,
            state: ScopeState::Open,
            restarts: 0,
            before: None,
            pending: Pending::default(),
        }
    }

    fn joins_parent(&self) -> bool {
        !self.detached && matches!(self.state, ScopeState::Open)
    }
}
