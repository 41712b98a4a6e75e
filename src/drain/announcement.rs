//! Records that load balancers have seen that the process is not ready.
//!
//! The health server notes it when one prober was answered "not ready" often enough; gates that
//! still admit work then end their wait early.

use std::sync::atomic::{AtomicBool, Ordering};

use deadstop_core::{EventCount, Nanos, now};

/// The announcement of this process.
pub(crate) static SEEN: Announcement = Announcement::unseen();

/// The state of load balancers: whether they have seen that the process is not ready.
pub(crate) struct Announcement {
    seen: AtomicBool,
    changes: EventCount,
}

impl Announcement {
    const fn unseen() -> Self {
        Self {
            seen: AtomicBool::new(false),
            changes: EventCount::new(),
        }
    }

    /// Notes that load balancers have seen that the process is not ready. Wakes the gates that
    /// wait.
    #[cfg_attr(
        not(feature = "health"),
        expect(dead_code, reason = "for the health server")
    )]
    pub(crate) fn note_seen(&self) {
        self.seen.store(true, Ordering::Release);
        self.changes.advance();
    }

    /// Blocks the thread until load balancers have seen it, or until `until`. Returns whether
    /// they have.
    pub(crate) fn wait_seen(&self, until: Nanos) -> bool {
        loop {
            let before = self.changes.read();
            if self.seen.load(Ordering::Acquire) {
                return true;
            }
            if until <= now() {
                return false;
            }
            self.changes.wait_past(before, Some(until));
        }
    }
}
