//! The entrance to reporting: hands the coordinator's events to the threads that report.

use std::sync::Arc;
use std::time::Duration;

use log::Level;

use super::event::Event;
use super::log::{LastCall, Log};
use super::progress::{self, Outlet};
use super::reporter::Reporter;
use super::stacks::SymbolizerStart;
use crate::report::ShutdownReport;
use deadstop_core::Nanos;

/// The longest wait of the end for the program's calls after the summary, or half of the time
/// that is left.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// The longest wait of the end for a logger to take the summary.
const LOG_PATIENCE: Duration = Duration::from_millis(100);

/// The threads that report, for a coordinator.
pub(crate) struct Reporting {
    log: Log,
    /// `None` for a coordinator that has no watchdog.
    pub(crate) reporter: Option<Reporter>,
    outlet: Outlet,
}

impl Reporting {
    /// Creates the entrance; the thread of `log` writes the progress to `outlet`.
    pub(crate) fn new(log: Log, reporter: Option<Reporter>, outlet: Outlet) -> Self {
        Self {
            log,
            reporter,
            outlet,
        }
    }

    /// Hands an event to `deadstop-log`. It does not block.
    #[inline(never)] // Seventeen callers.
    pub(crate) fn consume(&self, event: Event) {
        if event.level().is_some() || !self.outlet.is_silent() {
            self.log.event(event);
        }
    }

    /// Logs a message of level `Info`.
    pub(crate) fn info(&self, text: String) {
        self.message(Level::Info, text);
    }

    /// Logs a message of level `Warn`.
    pub(crate) fn warn(&self, text: String) {
        self.message(Level::Warn, text);
    }

    /// Says what was lost or left: a message of level `Warn`, which goes to standard error if
    /// the logger does not take it.
    pub(crate) fn alert(&self, text: String) {
        self.consume(Event::Alert { text });
    }

    pub(crate) fn message(&self, level: Level, text: String) {
        self.consume(Event::Message { level, text });
    }

    /// Returns `true` if the logger takes records of `level`.
    #[cfg(feature = "platform")]
    pub(crate) fn takes(&self, level: Level) -> bool {
        self.log.takes(level)
    }

    /// Has `find` called on `deadstop-log`, and logs the lines that it returns.
    #[cfg(feature = "platform")]
    pub(crate) fn find(&self, find: impl FnOnce() -> Vec<(Level, String)> + Send + 'static) {
        self.log.find(Box::new(find));
    }

    /// Returns the time at which [`start_log`](Self::start_log) must be called.
    pub(crate) fn log_start_due(&self) -> Nanos {
        self.log.start_due()
    }

    /// Starts `deadstop-log` if it does not run.
    pub(crate) fn start_log(&self) {
        self.log.start();
    }

    /// Starts the symbolizer, once. Where the system refuses the thread, the log says so.
    pub(crate) fn start_symbolizer(&self, symbolizer: &SymbolizerStart) {
        symbolizer.start(&self.log);
    }

    /// Adds a call for after the summary.
    pub(crate) fn add_last(&self, call: LastCall) {
        self.log.add_last(call);
    }

    /// Writes the summary, and then makes the program's last calls. It waits for both for a
    /// short time, which is shorter the nearer the deadline is.
    pub(crate) fn summarize(&self, report: &Arc<ShutdownReport>, deadline: Nanos) {
        self.consume(Event::ShutdownEnded(Arc::clone(report)));
        let now = deadstop_core::now();
        let begun = now.saturating_sub(report.took());
        let may_tell = self.outlet.may_tell(report, begun, now, deadline);
        if may_tell || self.log.takes(Level::Error) || self.log.has_alert() {
            let is_taken = self.log.flush(LOG_PATIENCE);
            if !is_taken {
                self.summarize_without_logger(report);
            }
        }
        if self.log.begin_last() {
            let left = deadline.since(deadstop_core::now());
            self.log.flush(LAST_PATIENCE.min(left / 2));
        }
    }

    /// Says on standard error what was lost or left undone. The logger hangs, or is slow: it
    /// may say some of it too.
    #[cold]
    fn summarize_without_logger(&self, report: &ShutdownReport) {
        let is_failure = !report.is_clean();
        let has_summary = self.log.print_alerts(is_failure);
        if is_failure {
            progress::tell_without_logger(&self.outlet, report, has_summary);
        }
    }
}
