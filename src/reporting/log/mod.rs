//! Lines for the `log` facade and for the progress, written by the thread `deadstop-log`: a
//! logger is the application's code and may hang.
//!
//! [`Log`] hands entries over, `thread` has the queue and takes them from it, and `writer`
//! writes them. The thread starts with the first entry. It ends when no entry has come for a
//! while and no shutdown runs: a program in which nothing happens does not have it.
//!
//! ```text
//!  event, report ──▶ start_due ──▶ start      on `deadstop-run`: the caller may hold a lock
//!  flush ──────────▶ start, or write here if the system refuses the thread
//! ```
//!
//! # Orderings
//!
//! The queue's lock orders entries, and whether there is a thread for them. `start_due`,
//! `reports` and `has_alert` are one word each, and nothing is passed on with them.

mod thread;
mod writer;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use log::Level;

use super::event::Event;
use super::progress::Outlet;
use crate::process::RUN_WAKEUPS;
use crate::threads;
use deadstop_core::Nanos;

#[cfg(feature = "platform")]
use self::thread::FindLines;
use self::thread::{Entry, Shared};

pub(super) use self::thread::LastCall;

/// Reports that may wait for a logger. A logger that hangs would otherwise let
/// status reports fill the memory.
const MAX_PENDING_REPORTS: usize = 4;

/// The time from the begin of a shutdown to the thread's start for the first line. A shutdown
/// that is over by then mostly has no line.
const START_AFTER: Duration = Duration::from_millis(1);

/// Hands events and reports to `deadstop-log`.
#[derive(Clone)]
pub(crate) struct Log(Arc<Handle>);

/// The state that the clones of a [`Log`] share. The thread ends when the last clone is gone.
struct Handle(Arc<Shared>);

/// The state of the queue when an entry was added.
struct Pushed {
    has_thread: bool,
    /// The system has refused the thread before.
    is_refused: bool,
    flushes: u64,
}

impl Log {
    /// Creates a log whose thread writes progress to `outlet`. Starts no thread.
    pub(crate) fn new(outlet: Outlet) -> Self {
        Self(Arc::new(Handle(Arc::new(Shared::new(outlet)))))
    }

    /// Returns `true` if the logger takes records of `level`.
    pub(super) fn takes(&self, level: Level) -> bool {
        level <= log::max_level()
    }

    /// Returns whether there was an event that is written with or without a logger.
    pub(super) fn has_alert(&self) -> bool {
        self.shared().has_alert.load(Ordering::Relaxed)
    }

    /// Hands over an event, unless the logger takes no record of its level. Does not block,
    /// and starts no thread: the caller may hold the coordinator's lock.
    pub(super) fn event(&self, event: Event) {
        match event {
            Event::Alert { .. } => self.shared().has_alert.store(true, Ordering::Relaxed),
            _ if event.level().is_some_and(|level| !self.takes(level)) => return,
            _ => {}
        }
        let due = match &event {
            Event::ShutdownBegan { .. } => deadstop_core::now().saturating_add(START_AFTER),
            // A flush follows, if anything must be said.
            Event::ShutdownEnded(_) => Nanos::LAST,
            _ => Nanos(0),
        };
        if !self.push(Entry::Event(event)).has_thread {
            self.want_thread(due);
        }
    }

    /// Waits until the logger has taken everything before, for at most `patience`. Returns
    /// whether it has.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let shared = self.shared();
        let until = deadstop_core::now().saturating_add(patience);
        let flush = self.push(Entry::Flush).flushes;
        if !self.start() {
            // Rather here than never. The deadline is armed.
            shared.write_here();
            return true;
        }
        loop {
            let seen = shared.flushed.read();
            let is_done = shared.queue.lock().flushes_done >= flush;
            if is_done || until <= deadstop_core::now() {
                return is_done;
            }
            shared.flushed.wait_past(seen, Some(until));
        }
    }

    /// Writes the alerts to standard error that a logger which hangs has not been given. Returns
    /// whether it has not been given the summary of a failure either, which it then never is.
    pub(super) fn print_alerts(&self, is_failure: bool) -> bool {
        let unwritten = self.shared().take_unwritten(is_failure);
        // The others are lost with the first that standard error does not take.
        let _ = unwritten.alerts.iter().all(|alert| writer::print(alert));
        unwritten.has_summary
    }

    /// Adds a call for after the summary.
    pub(super) fn add_last(&self, call: LastCall) {
        self.shared().last.lock().push(call);
    }

    /// Hands those calls over to be made at the next [`flush`](Self::flush), the latest
    /// first, and returns `true` if there are any.
    pub(super) fn begin_last(&self) -> bool {
        let calls = mem::take(&mut *self.shared().last.lock());
        let is_any = !calls.is_empty();
        if is_any {
            self.push(Entry::LastCalls(calls));
        }
        is_any
    }

    /// Has `find` called on the thread, and says what it returns.
    #[cfg(feature = "platform")]
    pub(super) fn find(&self, find: FindLines) {
        if !self.push(Entry::Find(find)).has_thread {
            self.want_thread(Nanos(0));
        }
    }

    /// Hands over a report, or drops it if the logger has not taken those before.
    pub(super) fn report(&self, level: Level, text: String) {
        let more = |pending| (pending < MAX_PENDING_REPORTS).then_some(pending + 1);
        let reports = &self.shared().reports;
        let may = reports.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if may.is_err() {
            return;
        }
        let pushed = self.push(Entry::Report(level, text));
        match pushed.has_thread {
            true => {}
            // The log is the last sink.
            false if pushed.is_refused => self.shared().write_here(),
            false => self.want_thread(Nanos(0)),
        }
    }

    /// Returns the time at which [`start`](Self::start) must be called.
    pub(super) fn start_due(&self) -> Nanos {
        Nanos(self.shared().start_due.load(Ordering::Relaxed))
    }

    /// Starts the thread if there is none. Returns `false` if the system refuses it.
    pub(super) fn start(&self) -> bool {
        let shared = self.shared();
        {
            let mut queue = shared.queue.lock();
            shared.start_due.store(Nanos::LAST.0, Ordering::Relaxed);
            if mem::replace(&mut queue.has_thread, true) {
                return true;
            }
        }
        let for_thread = Arc::clone(shared);
        let started = threads::spawn_deep("deadstop-log", move || for_thread.run());
        if started.is_err() {
            let mut queue = shared.queue.lock();
            queue.has_thread = false;
            queue.is_refused = true;
        }
        started.is_ok()
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    fn push(&self, entry: Entry) -> Pushed {
        let shared = self.shared();
        let pushed = {
            let mut queue = shared.queue.lock();
            queue.flushes += u64::from(matches!(entry, Entry::Flush));
            queue.entries.push_back(entry);
            Pushed {
                has_thread: queue.has_thread,
                is_refused: queue.is_refused,
                flushes: queue.flushes,
            }
        };
        if pushed.has_thread {
            shared.arrived.advance();
        }
        pushed
    }

    fn want_thread(&self, due: Nanos) {
        let before = self.shared().start_due.fetch_min(due.0, Ordering::Relaxed);
        // The begin of a shutdown wakes `deadstop-run` itself.
        if due == Nanos(0) && before > 0 {
            RUN_WAKEUPS.advance();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.queue.lock().is_closed = true;
        self.0.arrived.advance();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::progress::Progress;
    use super::thread::IDLE;
    use super::*;
    use crate::cause::Cause;

    fn log() -> Log {
        Log::new(Outlet::new(Progress::Off, false))
    }

    #[test]
    fn pending_reports_are_limited() {
        let log = log();
        for n in 0..100 {
            log.report(Level::Warn, n.to_string());
        }
        assert_eq!(log.shared().queue.lock().entries.len(), MAX_PENDING_REPORTS);
    }

    #[test]
    fn thread_starts_with_the_first_entry_and_ends_when_idle() {
        let log = log();
        let has_thread = || log.shared().queue.lock().has_thread;
        assert!(!has_thread());
        log.flush(Duration::from_secs(20));
        assert!(has_thread(), "it stays for a while");
        while has_thread() {
            thread::sleep(IDLE / 10);
        }
        log.flush(Duration::from_secs(20));
        assert!(log.shared().queue.lock().entries.is_empty(), "a second one");
    }

    #[test]
    fn event_does_not_start_the_thread() {
        let log = log();
        assert_eq!(log.start_due(), Nanos::LAST);
        log.event(Event::ShutdownBegan {
            cause: Cause::Finished,
            grace: Duration::from_secs(10),
        });
        assert_ne!(log.start_due(), Nanos::LAST);
        assert!(!log.shared().queue.lock().has_thread);
        assert!(log.start());
        assert_eq!(log.start_due(), Nanos::LAST);
    }

    #[test]
    fn entries_are_written_here_where_there_is_no_thread() {
        let log = log();
        let (done, is_done) = std::sync::mpsc::channel();
        log.add_last(Box::new(move || done.send(()).expect("the test waits")));
        assert!(log.begin_last());
        log.shared().write_here();
        assert!(is_done.try_recv().is_ok());
    }
}
