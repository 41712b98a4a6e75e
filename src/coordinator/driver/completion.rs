//! The result of the shutdown, and a latch to wait for it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::lock::Mutex;
use crate::report::ShutdownReport;
use deadstop_core::{EventCount, Nanos};

/// The result of the shutdown.
#[derive(Clone)]
pub(crate) struct ShutdownResult {
    pub(crate) report: Arc<ShutdownReport>,
}

impl ShutdownResult {
    pub(crate) fn status(&self) -> u8 {
        self.report.status()
    }
}

/// The result of the shutdown, and a latch to wait for it.
pub(crate) struct Completion {
    end: Mutex<Option<ShutdownResult>>,
    changed: EventCount,
}

impl Completion {
    pub(super) fn new() -> Self {
        Self {
            end: Mutex::new(None),
            changed: EventCount::new(),
        }
    }

    /// Returns the result, once the shutdown has ended.
    #[inline(never)] // Four callers, and 250 bytes.
    pub(crate) fn get(&self) -> Option<ShutdownResult> {
        self.end.lock().clone()
    }

    pub(super) fn complete(&self, report: Arc<ShutdownReport>) {
        *self.end.lock() = Some(ShutdownResult { report });
        self.changed.advance();
    }

    /// Returns `true` if the shutdown ends within `time`. The thread does not sleep, and lets
    /// others run.
    pub(super) fn is_complete_within(&self, time: Duration) -> bool {
        let until = deadstop_core::now().saturating_add(time);
        // There is one event: the end.
        while self.changed.read() == 0 {
            if until <= deadstop_core::now() {
                return false;
            }
            thread::yield_now();
        }
        true
    }

    pub(super) fn wait_until(&self, until: Option<Nanos>) -> Option<ShutdownResult> {
        loop {
            let seen = self.changed.read();
            let end = self.get();
            if end.is_some() || until.is_some_and(|until| until <= deadstop_core::now()) {
                return end;
            }
            self.changed.wait_past(seen, until);
        }
    }
}
