//! What the operator is told, by threads that may hang over it.
//!
//! `deadstop-report` writes the hang report shortly before the deadline. The
//! log has a thread of its own: a logger is the user's code, and one that hangs
//! must not cost the report.

mod log;
mod progress;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use crate::cause::Cause;
use crate::error::InstallError;
use crate::installation::{self, WATCH};
use crate::kill_path::{self, Nanos, Roster};

pub(crate) use self::log::Log;
pub(crate) use self::progress::Outlet;
pub use self::progress::Progress;

/// Who runs what. The coordinator and the tasks write it.
pub(crate) static ROSTER: Roster = Roster::empty();

/// The report comes a tenth of the grace before the deadline, at most this.
const BEFORE: Duration = Duration::from_millis(500);

/// Starts `deadstop-report`.
///
/// It writes to standard error as it is now, by a descriptor of its own: number
/// 2 may by then be somebody's database. If standard error is closed, there is
/// nowhere to write.
pub(crate) fn start() -> Result<(), InstallError> {
    let stderr = io::stderr().as_fd().try_clone_to_owned().ok();
    installation::spawn("deadstop-report", move || live(stderr.as_ref()))
}

/// The thread's life.
fn live(stderr: Option<&OwnedFd>) {
    // As prompt as the watchdog, or under load there is an end and no report.
    kill_path::settle();
    let at = loop {
        let deadline = WATCH.deadline();
        let seen = deadline.changes();
        let due = deadline.begun().zip(deadline.get());
        let due = due.map(|(begun, at)| (due_at(begun, at), at));
        let now = kill_path::now();
        match due {
            Some((due, at)) if due <= now => break at,
            Some((due, _)) => {
                deadline.wait_change(seen, Some(kill_path::next_look(now, due)));
            }
            None => deadline.wait_change(seen, None),
        }
    };
    let now = kill_path::now();
    let begun = WATCH.deadline().begun().unwrap_or(now);
    let report = kill_path::report(&ROSTER, begun, now, at);
    if let Some(stderr) = stderr {
        report.write_to(stderr.as_raw_fd());
    }
}

/// When the report is due.
fn due_at(begun: Nanos, at: Nanos) -> Nanos {
    at.saturating_sub((at.since(begun) / 10).min(BEFORE))
}

/// Writes down why the shutdown began, for the report to quote.
pub(crate) fn note_cause(cause: &Cause) {
    ROSTER.cause.write(&cause.to_string());
}
