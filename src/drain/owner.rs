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

    /// Says what was lost or left: in the log, or on standard error if the logger does not
    /// take it. Does not block.
    pub(super) fn alert(&self, text: String) {
        match self {
            Self::Shutdown(shutdown) => shutdown.coordinator.reporting.alert(text),
            Self::Scope(scope) => scope.alert(text),
        }
    }

    /// Returns `true` if the owner is requested to stop.
    #[inline] // A server asks before each answer.
    pub(super) fn is_requested(&self) -> bool {
        match self {
            Self::Shutdown(shutdown) => shutdown.is_requested(),
            Self::Scope(scope) => scope.is_requested(),
        }
    }
}
