//! The end of a victim, and the errors of waiting for it.

use std::error::Error;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use deadstop::Signal;
use deadstop::report::HangReport;

use super::output::Texts;
use super::owner::End;

/// The bytes of a task's name that a report keeps.
const MAX_NAME_BYTES: usize = 64;

/// The event from which the time to the end counts.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    Start(Instant),
    Signal(Signal, Instant),
}

/// The end of a victim: how, when, and its output.
///
/// `Display` and `Debug` print all of that. Failed assertions panic with it.
#[derive(Clone)]
pub struct Death {
    victim: String,
    origin: Origin,
    status: ExitStatus,
    after: Duration,
    texts: Texts,
    report: Option<HangReport>,
}

impl Death {
    pub(super) fn new(
        victim: String,
        origin: Origin,
        end: &End,
        texts: Texts,
        report: Option<HangReport>,
    ) -> Self {
        let (Origin::Start(from) | Origin::Signal(_, from)) = origin;
        Self {
            victim,
            origin,
            status: end
                .status
                .expect("the test's process does not ignore SIGCHLD"),
            after: end.at.saturating_duration_since(from),
            texts,
            report,
        }
    }

    /// Returns the wait status.
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// Returns the exit status; `None` if a signal ended the victim.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Returns the signal that ended the victim, if one did.
    pub fn signal(&self) -> Option<Signal> {
        self.status.signal().map(Signal::from)
    }

    /// Returns the time from just before the first signal to the end, on
    /// `CLOCK_MONOTONIC`; from just before the start if no signal was sent.
    ///
    /// The time is never shorter than the victim's own; under load it may be longer.
    pub fn after(&self) -> Duration {
        self.after
    }

    /// Returns by how much the end was later than `grace`; zero if it was not.
    /// Print it, or take the smallest of several runs: on a busy machine one run
    /// can be late by any length.
    pub fn lateness(&self, grace: Duration) -> Duration {
        self.after.saturating_sub(grace)
    }

    /// Returns the victim's standard output.
    pub fn stdout(&self) -> &str {
        &self.texts.stdout
    }

    /// Returns the victim's standard error.
    pub fn stderr(&self) -> &str {
        &self.texts.stderr
    }

    /// Returns the last report that the victim wrote: of its deadline, of a task over its
    /// budget, of a stall, or a status report. `None` if it wrote none, or has not called
    /// [`enable`](crate::enable).
    pub fn report(&self) -> Option<&HangReport> {
        self.report.as_ref()
    }

    /// Returns `true` if the [`report`](Self::report) says that `task` has not returned. A task
    /// of a scope is named with its path.
    pub fn names(&self, task: &str) -> bool {
        let task = cut(task);
        let report = self.report.as_ref();
        report.is_some_and(|report| report.hung_tasks().any(|hung| hung.name == task))
    }

    /// Asserts that the victim ended with this exit status.
    ///
    /// # Panics
    ///
    /// If it did not.
    #[track_caller]
    pub fn assert_status(&self, status: u8) -> &Self {
        let holds = self.code() == Some(status.into());
        self.assert(holds, format_args!("did not end with status {status}"))
    }

    /// Asserts that this signal ended the victim.
    ///
    /// # Panics
    ///
    /// If it did not.
    #[track_caller]
    pub fn assert_signal(&self, signal: Signal) -> &Self {
        let holds = self.status.signal() == Some(signal.number());
        self.assert(holds, format_args!("was not ended by {signal}"))
    }

    /// Asserts that the victim did not end before this time had passed.
    ///
    /// # Panics
    ///
    /// If it did.
    #[track_caller]
    pub fn assert_not_before(&self, grace: Duration) -> &Self {
        let holds = self.after >= grace;
        self.assert(holds, format_args!("ended before {grace:?} had passed"))
    }

    /// Asserts that the [`report`](Self::report) says that `task` has not returned.
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

/// Returns the part of a name that a report keeps.
fn cut(name: &str) -> &str {
    let mut end = name.len().min(MAX_NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
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

/// The victim had not ended when the time was over. It goes on running.
///
/// `Display` and `Debug` print what the victim has written so far.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop_testkit::Victim;
///
/// let mut victim = Victim::command("sleep").arg("60").start()?;
/// let alive = victim.wait(Duration::from_millis(50)).unwrap_err();
/// assert!(alive.waited() >= Duration::from_millis(50));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// Returns the time for which the test waited.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Returns the victim's standard output so far.
    pub fn stdout(&self) -> &str {
        &self.texts.stdout
    }

    /// Returns the victim's standard error so far.
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

/// The victim has not written the awaited line.
///
/// `Display` and `Debug` print what the victim has written instead.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop_testkit::Victim;
///
/// let mut victim = Victim::command("echo").arg("ready").start()?;
/// let error = victim.wait_for_line("started", Duration::from_secs(5)).unwrap_err();
/// println!("{error}"); // with all that the victim has written instead
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
        writeln!(f, "the victim has not written {text:?} within {waited:.3?}")?;
        write!(f, "victim: {}\n{}", self.victim, self.texts)
    }
}

impl fmt::Debug for NotSaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for NotSaid {}
