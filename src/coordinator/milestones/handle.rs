//! The state and the waits that the three handles share.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::coordinator::driver::{Coordinator, Milestone, ScopeHandle};
use crate::process::TRIGGERED;
use deadstop_core::Nanos;

/// A handle of a milestone.
pub(super) struct Handle {
    /// The scope that it is of, which stays as long as the handle.
    pub(super) scope: ScopeHandle,
    milestone: Milestone,
    /// Set if waiting checks the signal handlers: the program waits, not a thread of deadstop
    /// that may have started before the program has set its handlers.
    checks_handlers: bool,
    key: Option<u64>,
}

impl Handle {
    pub(super) fn new(scope: ScopeHandle, milestone: Milestone) -> Self {
        Self {
            scope,
            milestone,
            checks_handlers: false,
            key: None,
        }
    }

    /// Makes waits check the signal handlers.
    pub(super) fn checking_handlers(mut self) -> Self {
        self.checks_handlers = true;
        self
    }

    /// Checks the signal handlers, before a wait.
    pub(super) fn check_handlers(&self) {
        if self.checks_handlers {
            self.coordinator().check_handlers(self.milestone);
        }
    }

    pub(super) fn coordinator(&self) -> &Arc<Coordinator> {
        &self.scope.coordinator
    }

    fn is_reached(&self) -> bool {
        self.coordinator().is_reached(self.milestone)
    }

    /// Blocks the thread until it is reached. In a child of `fork` it returns at once.
    pub(super) fn wait(&self) {
        self.wait_until(None);
    }

    /// Does the same for `timeout` at most. Returns `true` if it was reached.
    pub(super) fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(Some(deadstop_core::now().saturating_add(timeout)))
    }

    fn wait_until(&self, until: Option<Nanos>) -> bool {
        let counts = matches!(self.milestone, Milestone::Reached(_)) && !self.is_reached();
        if counts {
            self.coordinator().count_waiting_thread(true);
        }
        let is_reached = self.block_until(until);
        if counts {
            self.coordinator().count_waiting_thread(false);
        }
        if is_reached && self.coordinator().is_requested() {
            // The caller may exit at once.
            crate::trigger::begin();
        }
        is_reached
    }

    fn block_until(&self, until: Option<Nanos>) -> bool {
        loop {
            let seen = TRIGGERED.read();
            if self.is_reached() {
                return self.coordinator().is_here();
            }
            self.check_handlers();
            if until.is_some_and(|until| until <= deadstop_core::now()) {
                return false;
            }
            TRIGGERED.wait_past(seen, until);
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_reached() {
            self.check_handlers();
            let coordinator = Arc::clone(self.coordinator());
            coordinator.set_waker(&mut self.key, self.milestone, context.waker());
            // It may have been reached before the waker was set.
            if !self.is_reached() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        let mut clone = Self::new(self.scope.clone(), self.milestone);
        clone.checks_handlers = self.checks_handlers;
        clone
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.coordinator().remove_waker(key, self.milestone);
        }
    }
}

/// Writes whether it was reached.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_reached().fmt(f)
    }
}
