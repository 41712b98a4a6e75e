//! The `log` facade, at arm's length, and whoever may hang over what the
//! operator is told.

use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use log::{Level, LevelFilter};

use super::progress::{Outlet, Telling};
use crate::cause::Cause;
use crate::coordinator::ShutdownReport;
use crate::error::InstallError;
use crate::installation;
use crate::kill_path::{self, Nanos};

/// Says things in the log, and tells of the progress, on a thread that may hang
/// over it.
#[derive(Clone)]
pub(crate) struct Log(Sender<Entry>);

enum Entry {
    Begin(Box<Beginning>),
    End(Arc<ShutdownReport>),
    Flush(Sender<()>),
    Line(Level, String),
}

struct Beginning {
    outlet: Outlet,
    cause: Cause,
    grace: Duration,
}

impl Log {
    /// Starts `deadstop-log`.
    pub(crate) fn start() -> Result<Self, InstallError> {
        let (log, entries) = unbounded();
        installation::spawn_deep("deadstop-log", move || live(&entries))?;
        Ok(Self(log))
    }

    pub(crate) fn info(&self, line: String) {
        self.say(Level::Info, line);
    }

    pub(crate) fn warn(&self, line: String) {
        self.say(Level::Warn, line);
    }

    /// Whether anything is done with what is said at `level`. If not, it need
    /// not be put into words.
    pub(crate) fn hears(&self, level: Level) -> bool {
        level <= log::max_level()
    }

    /// Tells that a shutdown begins, and from then on how far it is.
    pub(crate) fn begin(&self, outlet: Outlet, cause: Cause, grace: Duration) {
        let beginning = Beginning {
            outlet,
            cause,
            grace,
        };
        self.send(Entry::Begin(Box::new(beginning)));
    }

    /// Tells how it went.
    pub(crate) fn end(&self, report: Arc<ShutdownReport>) {
        self.send(Entry::End(report));
    }

    /// Waits until all that was said is said, or `patience` is over.
    pub(crate) fn flush(&self, patience: Duration) {
        let (done, is_done) = bounded(1);
        self.send(Entry::Flush(done));
        let _ = is_done.recv_timeout(patience);
    }

    pub(super) fn say(&self, level: Level, line: String) {
        if self.hears(level) {
            self.send(Entry::Line(level, line));
        }
    }

    fn send(&self, entry: Entry) {
        // Fails only if the logger has panicked.
        let _ = self.0.send(entry);
    }
}

/// The thread's life.
fn live(entries: &Receiver<Entry>) {
    let mut telling: Option<Telling> = None;
    loop {
        let next_look = telling.as_ref().and_then(Telling::next_look);
        match receive(entries, next_look) {
            Ok(Entry::Begin(it)) => {
                telling = Some(Telling::begin(&it.outlet, &it.cause, it.grace));
            }
            Ok(Entry::End(report)) => {
                if let Some(telling) = &mut telling {
                    telling.end(&report);
                }
            }
            Ok(Entry::Flush(done)) => {
                if log::max_level() != LevelFilter::Off {
                    log::logger().flush();
                }
                let _ = done.send(());
            }
            Ok(Entry::Line(level, line)) => {
                let say = || log::log!(target: "deadstop", level, "{line}");
                match &telling {
                    Some(telling) => telling.aside(say),
                    None => say(),
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if let Some(telling) = &mut telling {
            telling.look();
        }
    }
}

/// The next entry, if one comes until then.
fn receive(entries: &Receiver<Entry>, until: Option<Nanos>) -> Result<Entry, RecvTimeoutError> {
    match until {
        Some(until) => entries.recv_timeout(until.since(kill_path::now())),
        None => entries.recv().map_err(RecvTimeoutError::from),
    }
}
