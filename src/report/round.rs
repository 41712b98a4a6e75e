//! What the reporter does next.
//!
//! ```text
//! look ──┬─▶ Leave      the thread is retired
//!        ├─▶ Report     the report is due, and not out yet
//!        ├─▶ Dump       somebody asked since the last one
//!        └─▶ Wait       for a change, or until the report may be due
//! ```
//!
//! # Orderings
//!
//! Whoever asks counts that first (`Release`), and then advances the event count
//! of the deadline; whoever retires the thread does the same. The reporter reads
//! the event count, and only then the rest: what it has not seen by then cuts its
//! wait short. The event count's orderings are enough for that, so the count of
//! those who ask could do without its own, and no model can see them.

use std::time::Duration;

use crate::kill_path::{Deadline, Nanos};
use crate::sync::atomic::{AtomicU32, Ordering};

/// The report comes a tenth of the grace before the deadline, at most this.
const BEFORE: Duration = Duration::from_millis(500);

/// How often somebody has asked how it stands.
pub(super) struct Asked(AtomicU32);

impl Asked {
    pub(super) const fn never() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Asks. The reporter must be woken behind this. Async-signal-safe.
    pub(super) fn ask(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    fn times(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }
}

/// What has been done, and what is next.
pub(super) struct Round {
    answered: u32,
    has_reported: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// End the thread.
    Leave,
    /// Write the report.
    Report,
    /// Write a dump, and be done in time for the report if that is to follow.
    Dump { report_follows: bool },
    /// Wait for a change past the count that was seen, or until the report may
    /// be due.
    Wait { seen: u32, due: Option<Nanos> },
}

impl Round {
    /// For a thread that is about to start: whoever asks from here on is
    /// answered, however long the thread takes to begin.
    pub(super) fn first(asked: &Asked) -> Self {
        Self {
            answered: asked.times(),
            has_reported: false,
        }
    }

    /// Looks at how it stands: at the count of changes first, so that whatever
    /// comes behind that cuts the wait short.
    pub(super) fn look(
        &mut self,
        deadline: &Deadline,
        asked: &Asked,
        is_retired: impl FnOnce() -> bool,
        now: impl FnOnce() -> Nanos,
    ) -> Next {
        let seen = deadline.changes();
        if is_retired() {
            return Next::Leave;
        }
        let asked = asked.times();
        match due(deadline).filter(|_| !self.has_reported) {
            Some(due) if due <= now() => {
                self.has_reported = true;
                Next::Report
            }
            _ if asked != self.answered => {
                self.answered = asked;
                let report_follows = !self.has_reported;
                Next::Dump { report_follows }
            }
            due => Next::Wait { seen, due },
        }
    }
}

/// When the report is due, if the deadline is known.
pub(super) fn due(deadline: &Deadline) -> Option<Nanos> {
    let (begun, exit) = deadline.begun().zip(deadline.exit())?;
    Some(due_at(begun, exit))
}

/// When the report is due of a shutdown that began at `begun` and whose deadline
/// is at `at`.
pub(super) fn due_at(begun: Nanos, at: Nanos) -> Nanos {
    at.saturating_sub((at.since(begun) / 10).min(BEFORE))
}
