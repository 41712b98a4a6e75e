//! The queue of `deadstop-log`, and the thread that takes entries from it.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use log::{Level, LevelFilter};

use super::writer::Writer;
use crate::lock::Mutex;
use crate::reporting::event::Event;
use crate::reporting::logger::guarded;
use crate::reporting::progress::Outlet;
use deadstop_core::{EventCount, Nanos};

/// The state that the handles and the thread share.
pub(super) struct Shared {
    pub(super) queue: Mutex<Queue>,
    /// Advances with each entry, and when there will be no more.
    pub(super) arrived: EventCount,
    /// Advances with each flush that is done.
    pub(super) flushed: EventCount,
    /// The time at which `deadstop-run` starts the thread; [`Nanos::LAST`] if it need
    /// not.
    pub(super) start_due: AtomicU64,
    /// Reports that the logger has not taken yet.
    pub(super) reports: AtomicUsize,
    /// Set by an event that is written with or without a logger.
    pub(super) has_alert: AtomicBool,
    /// Calls of the program for after the summary.
    pub(super) last: Mutex<Vec<LastCall>>,
    /// Locked by the thread for its life.
    pub(super) writer: Mutex<Writer>,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: VecDeque<Entry>,
    pub(super) has_thread: bool,
    pub(super) is_refused: bool,
    pub(super) is_closed: bool,
    pub(super) flushes: u64,
    pub(super) flushes_done: u64,
}

/// A call of the program for after the summary.
pub(in crate::reporting) type LastCall = Box<dyn FnOnce() + Send>;

/// A call that returns lines to log. The thread makes it, since it may take long.
pub(in crate::reporting) type FindLines = Box<dyn FnOnce() -> Vec<(Level, String)> + Send>;

/// The time for which the thread stays without an entry.
pub(super) const IDLE: Duration = Duration::from_secs(1);

pub(super) enum Entry {
    Report(Level, String),
    Event(Event),
    #[cfg_attr(
        not(feature = "platform"),
        expect(dead_code, reason = "only the platform's lines take long")
    )]
    Find(FindLines),
    LastCalls(Vec<LastCall>),
    /// Stands for the end of a shutdown whose summary was written elsewhere.
    EndIsTold,
    Flush,
}

impl Shared {
    pub(super) fn new(outlet: Outlet) -> Self {
        Self {
            queue: Mutex::default(),
            arrived: EventCount::new(),
            flushed: EventCount::new(),
            start_due: AtomicU64::new(Nanos::LAST.0),
            reports: AtomicUsize::new(0),
            has_alert: AtomicBool::new(false),
            last: Mutex::default(),
            writer: Mutex::new(Writer::new(outlet)),
        }
    }

    /// Runs the thread.
    pub(super) fn run(&self) {
        let mut writer = self.writer.lock();
        let mut idle_at = Nanos(0);
        loop {
            let seen = self.arrived.read();
            let is_closed = self.queue.lock().is_closed;
            let has_written = self.write_all(&mut writer);
            let now = deadstop_core::now();
            if has_written || idle_at == Nanos(0) {
                idle_at = now.saturating_add(IDLE);
            }
            if is_closed || !writer.is_reporting() && idle_at <= now && self.leave() {
                return;
            }
            let until = match writer.is_reporting() {
                true => writer.next_look(),
                false => Some(idle_at),
            };
            self.arrived.wait_past(seen, until);
        }
    }

    /// Returns `true` if the thread may end: the next entry starts another.
    fn leave(&self) -> bool {
        let mut queue = self.queue.lock();
        let may_leave = queue.entries.is_empty();
        queue.has_thread = !may_leave;
        may_leave
    }

    /// Writes the queue on the calling thread, where the system has refused the other.
    pub(super) fn write_here(&self) {
        if let Some(mut writer) = self.writer.try_lock() {
            self.write_all(&mut writer);
        }
    }

    /// Writes the queue, and returns whether there was an entry. It takes one at a time: if the
    /// logger hangs, the others can be said without it.
    fn write_all(&self, writer: &mut Writer) -> bool {
        let mut has_written = false;
        while let Some(entry) = self.next() {
            self.write(entry, writer);
            has_written = true;
        }
        writer.look();
        has_written
    }

    fn next(&self) -> Option<Entry> {
        self.queue.lock().entries.pop_front()
    }

    fn write(&self, entry: Entry, writer: &mut Writer) {
        match entry {
            Entry::Flush => {
                if log::max_level() != LevelFilter::Off {
                    guarded(Box::new(|| log::logger().flush()));
                }
                self.queue.lock().flushes_done += 1;
                self.flushed.advance();
            }
            Entry::Report(level, text) => {
                self.reports.fetch_sub(1, Ordering::Relaxed);
                writer.report(level, &text);
            }
            Entry::Event(event) => writer.event(event),
            Entry::EndIsTold => writer.end(None),
            Entry::Find(find) => {
                let mut found = Vec::new();
                guarded(Box::new(|| found = find()));
                for (level, text) in found {
                    writer.line(level, &text);
                }
            }
            Entry::LastCalls(calls) => {
                for call in calls.into_iter().rev() {
                    guarded(call);
                }
            }
        }
    }

    /// Takes what an operator must hear and the thread has not begun to write: alerts, and the
    /// summary if `is_failure` says that something was left undone.
    pub(super) fn take_unwritten(&self, is_failure: bool) -> Unwritten {
        let mut unwritten = Unwritten::default();
        self.queue.lock().entries.retain_mut(|entry| {
            match entry {
                Entry::Event(Event::Alert { text }) => {
                    unwritten.alerts.push(mem::take(text));
                    return false;
                }
                Entry::Event(Event::ShutdownEnded(_)) if is_failure => {
                    unwritten.has_summary = true;
                    *entry = Entry::EndIsTold;
                }
                _ => {}
            }
            true
        });
        unwritten
    }
}

/// Entries that are taken off the queue because the logger hangs.
#[derive(Default)]
pub(super) struct Unwritten {
    pub(super) alerts: Vec<String>,
    pub(super) has_summary: bool,
}
