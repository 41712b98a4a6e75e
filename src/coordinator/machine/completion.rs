//! The end of the whole shutdown: who waits for it, who ends the process, and with
//! which status.
//!
//! ```text
//! Before ──begin──▶ Running ──last run ends──▶ Concluding ──conclude──▶ Over
//! ```
//!
//! In `Over`, if no thread waits: with `WhenDone::Exit` the process exits after
//! `EXIT_HOLD`; with `WhenDone::Wait` a warning is written after a while, once, and
//! the process goes on until its deadline. If no task was ever registered, neither
//! happens.

use std::time::Duration;

use super::policy::WhenDone;
use crate::report::ShutdownReport;
use deadstop_core::Nanos;

/// The time for which an end without a waiter is held with [`WhenDone::Exit`].
const EXIT_HOLD: Duration = Duration::from_millis(50);

/// With [`WhenDone::Wait`], a warning comes after a tenth of the time that is left,
/// and after this at the latest.
pub(super) const WARN_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Completion {
    pub(super) stage: Stage,
    /// Set once a task was registered.
    pub(super) has_tasks: bool,
    pub(super) waiters: usize,
    /// The time at which the last waiter left, in `Over`; `None` while there is one, or once the
    /// consequence is decided.
    pub(super) unwaited_since: Option<Nanos>,
    pub(super) warn_after: Duration,
}

pub(super) enum Stage {
    Before,
    Running,
    /// The root's run is over, with this report; other runs may not be.
    RootOver(Box<ShutdownReport>),
    Concluding,
    Over,
}

impl Completion {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Before,
            has_tasks: false,
            waiters: 0,
            unwaited_since: None,
            warn_after: WARN_AFTER,
        }
    }

    pub(super) fn begin(&mut self) {
        self.stage = Stage::Running;
    }

    pub(super) fn next_wakeup(&self, when_done: WhenDone) -> Option<Nanos> {
        let since = self.unwaited_since?;
        Some(since.saturating_add(self.patience(when_done)))
    }

    fn patience(&self, when_done: WhenDone) -> Duration {
        match when_done {
            WhenDone::Exit => EXIT_HOLD,
            WhenDone::Wait => self.warn_after,
        }
    }
}
