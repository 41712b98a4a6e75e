//! The telling of one shutdown, on `deadstop-log`.

use std::sync::Arc;
use std::time::Duration;

use log::Level;

use super::pace::Pace;
#[cfg(feature = "terminal")]
use super::view::View;
use super::{LOOK, Outlet, Progress};
use crate::cause::Cause;
use crate::coordinator::{Escaped, ShutdownReport};
use crate::installation::WATCH;
use crate::kill_path::{self, Layout, Line, Nanos};
use crate::report::ROSTER;
use crate::report::round::due_at;
use crate::report::stderr::Stderr;

/// A line of progress is cut to this. A pipe takes as much in one piece.
pub(super) const WIDTH: usize = 2048;

/// The telling of one shutdown.
pub(in crate::report) struct Telling {
    to: To,
    pace: Pace,
    /// The first line, for as long as the shutdown may be over before it is
    /// worth a word.
    held_back: Option<String>,
    is_over: bool,
    #[cfg(feature = "terminal")]
    view: Option<View>,
}

/// Where it is told.
enum To {
    Log,
    Nowhere,
    Stderr(Arc<Stderr>),
}

impl Telling {
    /// Begins with the first line.
    pub(in crate::report) fn begin(outlet: &Outlet, cause: &Cause, grace: Duration) -> Self {
        let now = kill_path::now();
        let (begun, at) = times(now);
        let to = destination(outlet);
        let cause_in_words = cause.to_string();
        let cause_in_words = Escaped(&cause_in_words);
        let first = format!("shutdown begins: {cause_in_words}; grace {grace:?}");
        let is_quiet = outlet.progress == Progress::Auto
            && matches!(to, To::Stderr(_))
            && *cause == Cause::Finished;
        #[cfg(feature = "terminal")]
        let view = match &to {
            To::Stderr(stderr) => View::new(outlet, stderr, cause),
            To::Log | To::Nowhere => None,
        };
        let mut telling = Self {
            to,
            pace: Pace::new(begun, at),
            held_back: None,
            is_over: false,
            #[cfg(feature = "terminal")]
            view,
        };
        match is_quiet {
            true => telling.held_back = Some(first),
            false => telling.say(Level::Info, &first),
        }
        telling
    }

    /// When to [`look`](Self::look) next, if ever.
    pub(in crate::report) fn next_look(&self) -> Option<Nanos> {
        let now = kill_path::now();
        let (begun, at) = times(now);
        if self.is_over || matches!(self.to, To::Nowhere) || now >= due_at(begun, at) {
            return None;
        }
        let next = self.pace.due().min(now.saturating_add(LOOK));
        #[cfg(feature = "terminal")]
        if self.is_live() {
            let frame = now.saturating_add(super::view::FRAME);
            return Some(next.min(frame).min(View::leaves(begun, at)));
        }
        Some(next)
    }

    /// Says what is due.
    pub(in crate::report) fn look(&mut self) {
        let now = kill_path::now();
        let (begun, at) = times(now);
        if self.is_over || now >= due_at(begun, at) {
            return;
        }
        self.pace.follow(now, at);
        #[cfg_attr(
            not(feature = "terminal"),
            expect(unused_mut, reason = "lines are all there is")
        )]
        let mut is_due = self.pace.is_due(now);
        if is_due {
            if let Some(first) = self.held_back.take() {
                self.say(Level::Info, &first);
            }
        }
        #[cfg(feature = "terminal")]
        if self.is_live() {
            let is_shown = self.view.as_ref().is_some_and(|it| it.show(begun, now, at));
            if !is_shown {
                self.view = None;
            }
            // What it showed last stays there, as a line.
            is_due = !is_shown;
        }
        if is_due {
            self.say_progress(now, at);
        }
    }

    /// Whether a view takes the place of the lines.
    #[cfg(feature = "terminal")]
    fn is_live(&self) -> bool {
        self.view.is_some() && self.held_back.is_none()
    }

    /// Calls `say`, which may say something to the operator by itself.
    pub(in crate::report) fn aside(&self, say: impl FnOnce()) {
        #[cfg(feature = "terminal")]
        if let Some(view) = &self.view {
            return view.aside(say);
        }
        say();
    }

    /// Ends with the summary.
    pub(in crate::report) fn end(&mut self, report: &ShutdownReport) {
        self.is_over = true;
        #[cfg(feature = "terminal")]
        if let Some(view) = self.view.take() {
            view.clear();
        }
        if self.held_back.take().is_some() {
            return;
        }
        match &self.to {
            To::Log => {
                let level = match report.is_clean() {
                    true => Level::Info,
                    false => Level::Warn,
                };
                let (brief, table) = (report.brief(), report.to_string());
                let headline = brief.headline();
                self.say(level, &format!("{headline}\n{}", table.trim_end()));
            }
            To::Nowhere => {}
            To::Stderr(stderr) => write(stderr, &report.brief().to_string()),
        }
    }

    fn say_progress(&self, now: Nanos, at: Nanos) {
        let mut line = Line::<WIDTH>::new();
        kill_path::progress(&mut line, &ROSTER, now, at, &Layout::ONE_LINE);
        self.say(Level::Info, line.as_str());
    }

    fn say(&self, level: Level, text: &str) {
        match &self.to {
            To::Log => log::log!(target: "deadstop", level, "{text}"),
            To::Nowhere => {}
            To::Stderr(stderr) => write(stderr, text),
        }
    }
}

/// When the shutdown began, and when the end does, which for a process that is to
/// be gone by its deadline is before that. It has begun.
fn times(now: Nanos) -> (Nanos, Nanos) {
    let deadline = WATCH.deadline();
    let begun = deadline.begun().unwrap_or(now);
    (begun, deadline.exit().unwrap_or(Nanos::LAST))
}

/// Asks the logger, if need be.
fn destination(outlet: &Outlet) -> To {
    let stderr = || outlet.stderr.clone().map_or(To::Nowhere, To::Stderr);
    match outlet.progress {
        Progress::Auto if log::log_enabled!(target: "deadstop", Level::Info) => To::Log,
        Progress::Auto | Progress::Stderr => stderr(),
        Progress::Log => To::Log,
        Progress::Off => To::Nowhere,
    }
}

/// Writes the lines of `text` in one piece, each with our name before it.
fn write(stderr: &Stderr, text: &str) {
    let mut lines = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        lines.push_str("deadstop: ");
        lines.push_str(line);
        lines.push('\n');
    }
    stderr.write(lines.as_bytes());
}
