//! Callers that wait for room in a pool's queue.

use std::time::Instant;

use crate::lock::{Condvar, Mutex, MutexGuard};

/// Callers that wait for room in a pool's queue.
pub(super) struct Room {
    /// Taken while the machine's lock is held, and kept until the caller waits: no
    /// notification is lost.
    entering: Mutex<()>,
    changed: Condvar,
}

/// A caller that is about to wait.
pub(super) struct Entered<'a> {
    room: &'a Room,
    entering: MutexGuard<'a, ()>,
}

impl Room {
    pub(super) const fn new() -> Self {
        Self {
            entering: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    pub(super) fn enter(&self) -> Entered<'_> {
        Entered {
            room: self,
            entering: self.entering.lock(),
        }
    }

    pub(super) fn notify_one(&self) {
        drop(self.entering.lock());
        self.changed.notify_one();
    }

    pub(super) fn notify_all(&self) {
        drop(self.entering.lock());
        self.changed.notify_all();
    }
}

impl Entered<'_> {
    /// Waits for a notification until `until`. May return before either. Returns whether the
    /// time is over.
    pub(super) fn until(self, until: Instant) -> bool {
        self.room.changed.wait_until(self.entering, until).1
    }
}
