//! Writes entries of the log's queue, one after another.

use std::thread;
use std::time::Duration;

use log::Level;

use crate::report::ShutdownReport;
use crate::reporting::event::Event;
use crate::reporting::logger::{self, guarded};
use crate::reporting::progress::{Outlet, ProgressReporter};
use crate::sys::standard_error;
use deadstop_core::Nanos;
use deadstop_core::escape::Escaped;

/// The longest wait of an alert for standard error: less than that of a flush.
const PRINT_PATIENCE: Duration = Duration::from_millis(50);

/// Writes entries, one after another.
pub(super) struct Writer {
    outlet: Outlet,
    /// Once a shutdown has begun.
    reporter: Option<ProgressReporter>,
}

impl Writer {
    pub(super) fn new(outlet: Outlet) -> Self {
        Self {
            outlet,
            reporter: None,
        }
    }

    pub(super) fn is_reporting(&self) -> bool {
        self.reporter.is_some()
    }

    pub(super) fn next_look(&self) -> Option<Nanos> {
        self.reporter.as_ref().and_then(ProgressReporter::next_look)
    }

    pub(super) fn look(&mut self) {
        if let Some(reporter) = &mut self.reporter {
            reporter.look();
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::ShutdownBegan { cause, grace } => {
                self.reporter = Some(ProgressReporter::begin(&self.outlet, &cause, grace));
            }
            Event::ShutdownEnded(report) => self.end(Some(&report)),
            Event::Alert { text } => self.alert(&text),
            event => {
                if let Some(level) = event.level() {
                    self.line(level, &event.line());
                }
            }
        }
    }

    /// Ends the progress, with the summary of `report`.
    pub(super) fn end(&mut self, report: Option<&ShutdownReport>) {
        if let Some(reporter) = &mut self.reporter {
            reporter.end(report);
        }
    }

    /// Logs a line, or writes it to standard error if the logger does not take it.
    fn alert(&self, text: &str) {
        // The logger's filter is code of the application.
        let mut is_logged = false;
        guarded(Box::new(|| {
            is_logged = log::log_enabled!(target: "deadstop", Level::Warn);
        }));
        match is_logged {
            true => self.line(Level::Warn, text),
            false => self.aside(|| _ = print(text)),
        }
    }

    /// Logs a line, with its control characters escaped.
    pub(super) fn line(&self, level: Level, text: &str) {
        let text = Escaped(text);
        self.aside(|| logger::log(level, &text));
    }

    /// Logs a report, whose lines are escaped.
    pub(super) fn report(&self, level: Level, text: &str) {
        self.aside(|| logger::log(level, &text));
    }

    /// Calls `say`, which may write to the terminal of a live view.
    fn aside(&self, say: impl FnOnce()) {
        match &self.reporter {
            Some(reporter) => reporter.aside(say),
            None => say(),
        }
    }
}

/// Writes a line to standard error, as soon as that takes it, or not at all. Returns whether it
/// did.
pub(super) fn print(text: &str) -> bool {
    let line = format!("deadstop: {}\n", Escaped(text));
    let until = deadstop_core::now().saturating_add(PRINT_PATIENCE);
    loop {
        let is_written = standard_error::write_line(line.as_bytes());
        if is_written || until <= deadstop_core::now() {
            return is_written;
        }
        thread::sleep(PRINT_PATIENCE / 10);
    }
}
