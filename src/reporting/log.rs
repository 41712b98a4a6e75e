//! The `log` facade and progress, on a thread that may hang over a logger.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use log::{Level, LevelFilter};
use parking_lot::Mutex;

use super::event::Event;
use super::logger::guarded;
use super::progress::{Outlet, ProgressReporter};
use crate::error::InstallError;
use crate::threads;
use deadstop_core::Nanos;
use deadstop_core::escape::Escaped;

/// Hands events and reports to `deadstop-log`.
#[derive(Clone)]
pub(crate) struct Log {
    entries: Sender<Entry>,
    /// Reports that the logger has not taken yet.
    reports: Arc<AtomicUsize>,
    /// Calls of the program for after the summary.
    last: Arc<Mutex<Vec<Last>>>,
}

/// A call of the program for after the summary.
pub(super) type Last = Box<dyn FnOnce() + Send>;

/// Reports that may wait for a logger. A logger that hangs would otherwise let
/// status reports fill the memory.
const MAX_PENDING_REPORTS: usize = 4;

enum Entry {
    Report(Level, String),
    Event(Event),
    Last(Vec<Last>),
    Flush(Sender<()>),
}

impl Log {
    /// Starts `deadstop-log`, which writes progress to `outlet`.
    pub(crate) fn start(outlet: Outlet) -> Result<Self, InstallError> {
        let (log, entries) = unbounded();
        let reports = Arc::new(AtomicUsize::new(0));
        let pending = Arc::clone(&reports);
        threads::spawn_deep("deadstop-log", move || {
            run(&entries, &pending, &outlet);
        })?;
        Ok(Self {
            entries: log,
            reports,
            last: Arc::default(),
        })
    }

    /// Returns whether the logger takes records of `level`.
    pub(super) fn takes(&self, level: Level) -> bool {
        level <= log::max_level()
    }

    /// Hands over an event, unless the logger takes no record of its level. Does not block.
    pub(super) fn event(&self, event: Event) {
        if event.level().is_none_or(|level| self.takes(level)) {
            self.send(Entry::Event(event));
        }
    }

    /// Waits until the logger has taken everything before, for at most `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let (done, is_done) = bounded(1);
        self.send(Entry::Flush(done));
        let _ = is_done.recv_timeout(patience);
    }

    /// Adds a call for after the summary.
    pub(super) fn add_last(&self, call: Last) {
        self.last.lock().push(call);
    }

    /// Begins those calls, the latest first, and returns `true` if there are any.
    pub(super) fn begin_last(&self) -> bool {
        let calls = std::mem::take(&mut *self.last.lock());
        let is_any = !calls.is_empty();
        if is_any {
            self.send(Entry::Last(calls));
        }
        is_any
    }

    /// Hands over a report, or drops it if the logger has not taken those before.
    pub(super) fn report(&self, level: Level, text: String) {
        let more = |pending| (pending < MAX_PENDING_REPORTS).then_some(pending + 1);
        let may = self
            .reports
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if may.is_ok() {
            self.send(Entry::Report(level, text));
        }
    }

    fn send(&self, entry: Entry) {
        // Fails only if the thread has ended.
        let _ = self.entries.send(entry);
    }
}

/// Runs the thread.
fn run(entries: &Receiver<Entry>, reports: &AtomicUsize, outlet: &Outlet) {
    let mut reporter: Option<ProgressReporter> = None;
    loop {
        let next_look = reporter.as_ref().and_then(ProgressReporter::next_look);
        match receive(entries, next_look) {
            Ok(Entry::Event(Event::ShutdownBegan { cause, grace })) => {
                reporter = Some(ProgressReporter::begin(outlet, &cause, grace));
            }
            Ok(Entry::Event(Event::ShutdownEnded(report))) => {
                if let Some(reporter) = &mut reporter {
                    reporter.end(&report);
                }
            }
            Ok(Entry::Event(event)) => {
                if let Some(level) = event.level() {
                    line(reporter.as_ref(), level, &event.line());
                }
            }
            Ok(Entry::Last(calls)) => {
                for call in calls.into_iter().rev() {
                    guarded(call);
                }
            }
            Ok(Entry::Flush(done)) => {
                if log::max_level() != LevelFilter::Off {
                    guarded(|| log::logger().flush());
                }
                let _ = done.send(());
            }
            // Its lines are escaped.
            Ok(Entry::Report(level, text)) => {
                reports.fetch_sub(1, Ordering::Relaxed);
                aside(reporter.as_ref(), || {
                    guarded(|| log::log!(target: "deadstop", level, "{text}"));
                });
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Some(reporter) = &mut reporter {
            reporter.look();
        }
    }
}

/// Logs a line, with its control characters escaped.
fn line(reporter: Option<&ProgressReporter>, level: Level, text: &str) {
    let text = Escaped(text);
    aside(reporter, || {
        guarded(|| log::log!(target: "deadstop", level, "{text}"));
    });
}

/// Calls `say`, which may write to the terminal of a live view.
fn aside(reporter: Option<&ProgressReporter>, say: impl FnOnce()) {
    match reporter {
        Some(reporter) => reporter.aside(say),
        None => say(),
    }
}

/// The next entry, if one comes until then.
fn receive(entries: &Receiver<Entry>, until: Option<Nanos>) -> Result<Entry, RecvTimeoutError> {
    match until {
        Some(until) => entries.recv_timeout(until.since(deadstop_core::now())),
        None => entries.recv().map_err(RecvTimeoutError::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_that_the_logger_does_not_take_are_few() {
        let (log, entries) = unbounded();
        let log = Log {
            entries: log,
            reports: Arc::default(),
            last: Arc::default(),
        };
        for n in 0..100 {
            log.report(Level::Warn, n.to_string());
        }
        assert_eq!(entries.len(), MAX_PENDING_REPORTS);
    }
}
