//! One waker: a callback that is called until it is disabled.
//!
//! A call is counted like an entry of a gate, and disabling closes that gate: no call
//! begins after that, and one that runs is waited for. So a client that is being closed is
//! not woken out of its last commit.
//!
//! # Orderings
//!
//! The pairs are those of [`Counter`]. `tests/loom/drain/wake` has a model.

use std::sync::Arc;

use crate::drain::gate::Counter;
use crate::primitives::{Mutex, Nanos};

pub(super) type Callback = Box<dyn Fn() + Send + Sync>;

/// One waker.
pub(super) struct Entry {
    pub(super) name: String,
    /// Taken when the waker is disabled: it may hold a duplicate of a socket.
    callback: Mutex<Option<Arc<Callback>>>,
    pub(super) calls: Counter,
}

impl Entry {
    pub(super) fn new(name: String, callback: Callback) -> Self {
        Self {
            name,
            callback: Mutex::new(Some(Arc::new(callback))),
            calls: Counter::open(),
        }
    }

    /// Calls the callback, unless it is disabled.
    pub(super) fn wake(&self) {
        if !self.calls.enter() {
            return;
        }
        // However the callback ends.
        let _leave = LeaveOnDrop(&self.calls);
        let callback = self.callback.lock().clone();
        if let Some(callback) = callback {
            callback();
        }
    }

    /// Makes sure that no call begins from here on, and waits for one that runs until the
    /// clock of `now` reads `until`. Returns whether the waker was enabled.
    pub(super) fn disable(&self, until: Option<Nanos>, now: impl Fn() -> Nanos) -> bool {
        let was_enabled = self.calls.close();
        self.calls.wait_empty(until, now);
        let callback = self.callback.lock().take();
        drop(callback);
        was_enabled
    }
}

struct LeaveOnDrop<'a>(&'a Counter);

impl Drop for LeaveOnDrop<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
