//! The `log` facade, at arm's length.

use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use log::{Level, LevelFilter};

use crate::error::InstallError;
use crate::installation;

/// Says things in the log, on a thread that may hang over it.
#[derive(Clone)]
pub(crate) struct Log(Sender<Entry>);

enum Entry {
    Line(Level, String),
    Flush(Sender<()>),
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

    /// Waits until all that was said is said, or `patience` is over.
    pub(crate) fn flush(&self, patience: Duration) {
        if log::max_level() == LevelFilter::Off {
            return;
        }
        let (done, is_done) = bounded(1);
        if self.0.send(Entry::Flush(done)).is_ok() {
            let _ = is_done.recv_timeout(patience);
        }
    }

    pub(super) fn say(&self, level: Level, line: String) {
        if !self.hears(level) {
            return;
        }
        // Fails only if the logger has panicked.
        let _ = self.0.send(Entry::Line(level, line));
    }
}

/// The thread's life.
fn live(entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            Entry::Line(level, line) => log::log!(target: "deadstop", level, "{line}"),
            Entry::Flush(done) => {
                log::logger().flush();
                let _ = done.send(());
            }
        }
    }
}
