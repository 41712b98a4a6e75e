//! The queue of `deadstop-log`, and the thread that takes entries from it.

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
    pub(super) entries: Vec<Entry>,
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
            let (entries, is_closed) = {
                let mut queue = self.queue.lock();
                (mem::take(&mut queue.entries), queue.is_closed)
            };
            let now = deadstop_core::now();
            if !entries.is_empty() || idle_at == Nanos(0) {
                idle_at = now.saturating_add(IDLE);
            }
            self.write(entries, &mut writer);
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
            let entries = mem::take(&mut self.queue.lock().entries);
            self.write(entries, &mut writer);
        }
    }

    fn write(&self, entries: Vec<Entry>, writer: &mut Writer) {
        for entry in entries {
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
        writer.look();
    }
}
