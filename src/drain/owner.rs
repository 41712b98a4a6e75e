//! The owner of a gate or a pool: the whole shutdown, or a scope.

use crate::coordinator::TaskBuilder;
use crate::{Scope, Shutdown};

/// The owner of a gate or a pool.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    Shutdown(Shutdown),
    Scope(Scope),
}

impl Owner {
    /// Starts describing a task of the owner.
    #[track_caller]
    pub(super) fn task(&self, name: &str) -> TaskBuilder {
        match self {
            Self::Shutdown(shutdown) => shutdown.task(name),
            Self::Scope(scope) => scope.task(name),
        }
    }

    /// Returns `true` if the owner is requested to stop.
    pub(super) fn is_requested(&self) -> bool {
        match self {
            Self::Shutdown(shutdown) => shutdown.is_requested(),
            Self::Scope(scope) => scope.is_requested(),
        }
    }
}
