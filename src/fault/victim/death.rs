//! How a victim ended, or that it did not.

use std::error::Error;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::fault::names;
use crate::signal::Signal;

use super::heard::Texts;
use super::keeper::End;

/// What the time to the end is counted from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    Start(Instant),
    Signal(Signal, Instant),
}

/// How a victim ended, when, and what it said.
///
/// As text, and as `{:?}` has it, it is all of that, for whoever has to find out
/// what went wrong. The assertions panic with that text.
#[derive(Clone)]
pub struct Death {
    victim: String,
    origin: Origin,
    status: ExitStatus,
    after: Duration,
    texts: Texts,
}

impl Death {
    pub(super) fn new(victim: String, origin: Origin, end: &End, texts: Texts) -> Self {
        let (Origin::Start(from) | Origin::Signal(_, from)) = origin;
        Self {
            victim,
            origin,
            status: end
                .status
                .expect("the test's process does not ignore SIGCHLD"),
            after: end.at.saturating_duration_since(from),
            texts,
        }
    }

    /// What the system says of it.
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// The exit status, unless a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, if one did.
    pub fn signal(&self) -> Option<Signal> {
        self.status.signal().map(Signal::from_number)
    }

    /// From just before the first signal was sent to the end, as seen from
    /// outside; from just before the start, if no signal was sent. Both are read
    /// from `CLOCK_MONOTONIC`.
    ///
    /// It is never less than it was for the victim itself, and under load it may
    /// be more.
    pub fn after(&self) -> Duration {
        self.after
    }

    /// How much later than `grace` the end came; zero if it was not. A figure to
    /// print, or to take the least of from several runs: one run on a busy
    /// machine can be late by any length.
    pub fn lateness(&self, grace: Duration) -> Duration {
        self.after.saturating_sub(grace)
    }

    /// What it wrote to standard output.
    pub fn stdout(&self) -> &str {
        &self.texts.stdout
    }

    /// What it wrote to standard error.
    pub fn stderr(&self) -> &str {
        &self.texts.stderr
    }

    /// Whether its hang report, on standard error, says that `task` has not
    /// returned. Tasks of a scope are named with its path.
    pub fn names(&self, task: &str) -> bool {
        names::says_hung(self.stderr(), task)
    }

    /// Asserts that it ended with this exit status.
    ///
    /// # Panics
    ///
    /// If it did not.
    #[track_caller]
    pub fn assert_status(&self, status: u8) -> &Self {
        let holds = self.code() == Some(status.into());
        self.assert(holds, format_args!("did not end with status {status}"))
    }

    /// Asserts that this signal ended it.
    ///
    /// # Panics
    ///
    /// If it did not.
    #[track_caller]
    pub fn assert_signal(&self, signal: Signal) -> &Self {
        let holds = self.status.signal() == Some(signal.number());
        self.assert(holds, format_args!("was not ended by {signal}"))
    }

    /// Asserts that it did not end before this time was over.
    ///
    /// # Panics
    ///
    /// If it did.
    #[track_caller]
    pub fn assert_not_before(&self, grace: Duration) -> &Self {
        let holds = self.after >= grace;
        self.assert(holds, format_args!("ended before {grace:?} were over"))
    }

    /// Asserts that its hang report says that `task` has not returned.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[track_caller]
    pub fn assert_names(&self, task: &str) -> &Self {
        let holds = self.names(task);
        self.assert(
            holds,
            format_args!("did not report that {task:?} has not returned"),
        )
    }

    #[track_caller]
    fn assert(&self, holds: bool, failure: fmt::Arguments<'_>) -> &Self {
        assert!(holds, "the victim {failure}\n{self}");
        self
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after;
        writeln!(f, "victim: {}", self.victim)?;
        match self.origin {
            Origin::Start(_) => writeln!(f, "ended {after:.3?} after it was started")?,
            Origin::Signal(signal, _) => writeln!(f, "ended {after:.3?} after {signal}")?,
        }
        write!(f, "{}", self.texts)
    }
}

impl fmt::Debug for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            match text.is_empty() {
                true => writeln!(f, "{name}: nothing")?,
                false => writeln!(f, "{name}:\n{}", text.trim_end())?,
            }
        }
        Ok(())
    }
}

/// The victim had not ended when the time was over. It goes on.
///
/// As text, and as `{:?}` has it, it is what the victim said so far.
#[derive(Clone)]
pub struct StillAlive {
    waited: Duration,
    victim: String,
    texts: Texts,
}

impl StillAlive {
    pub(super) fn new(waited: Duration, victim: String, texts: Texts) -> Self {
        Self {
            waited,
            victim,
            texts,
        }
    }

    /// How long it was waited for.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> &str {
        &self.texts.stdout
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> &str {
        &self.texts.stderr
    }
}

impl fmt::Display for StillAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waited = self.waited;
        writeln!(f, "the victim has not ended within {waited:.3?}")?;
        write!(f, "victim: {}\n{}", self.victim, self.texts)
    }
}

impl fmt::Debug for StillAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for StillAlive {}

/// The victim has not said the line that was waited for.
///
/// As text, and as `{:?}` has it, it is what the victim said instead.
#[derive(Clone)]
pub struct NotSaid {
    text: String,
    waited: Duration,
    victim: String,
    texts: Texts,
}

impl NotSaid {
    pub(super) fn new(text: &str, waited: Duration, victim: String, texts: Texts) -> Self {
        Self {
            text: text.to_owned(),
            waited,
            victim,
            texts,
        }
    }
}

impl fmt::Display for NotSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, waited) = (&self.text, self.waited);
        writeln!(f, "the victim has not said {text:?} within {waited:.3?}")?;
        write!(f, "victim: {}\n{}", self.victim, self.texts)
    }
}

impl fmt::Debug for NotSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for NotSaid {}
