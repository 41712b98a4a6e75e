//! Reports the progress of one shutdown, on `deadstop-log`.

use std::sync::Arc;
use std::time::Duration;

use log::Level;

use super::pace::Pace;
#[cfg(feature = "terminal")]
use super::view::{Frame, View};
use super::width::WIDTH;
use super::{Outlet, POLL_INTERVAL, Progress, may_log};
use crate::cause::Cause;
use crate::process::ROSTER;
use crate::process::WATCH;
use crate::report::ShutdownReport;
use crate::reporting::logger;
use crate::reporting::schedule::due_at;
use crate::reporting::stderr::Stderr;
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::escape::Escaped;
use deadstop_core::render::Layout;

/// Reports the progress of one shutdown.
pub(in crate::reporting) struct ProgressReporter {
    to: To,
    pace: Pace,
    /// The first line, as long as it is not written: a brief normal end is silent.
    held_back: Option<String>,
    is_over: bool,
    #[cfg(feature = "terminal")]
    view: Option<View>,
}

/// The destination of the lines.
enum To {
    Log,
    Nowhere,
    Stderr(Arc<Stderr>),
}

impl ProgressReporter {
    /// Begins with the first line.
    #[cold]
    pub(in crate::reporting) fn begin(outlet: &Outlet, cause: &Cause, grace: Duration) -> Self {
        let now = deadstop_core::now();
        let (begun, at) = times(now);
        let to = destination(outlet);
        let cause_in_words = format!("{cause}");
        let cause_in_words = Escaped(&cause_in_words);
        let first = format!("shutdown begins: {cause_in_words}; grace {grace:?}");
        let is_quiet =
            outlet.progress.is_auto() && matches!(to, To::Stderr(_)) && *cause == Cause::Finished;
        #[cfg(feature = "terminal")]
        let view = match &to {
            To::Stderr(stderr) => View::new(outlet, stderr, cause),
            To::Log | To::Nowhere => None,
        };
        let mut reporter = Self {
            to,
            pace: Pace::new(begun, at),
            held_back: None,
            is_over: false,
            #[cfg(feature = "terminal")]
            view,
        };
        match is_quiet {
            true => reporter.held_back = Some(first),
            false => reporter.say(Level::Info, &first),
        }
        reporter
    }

    /// Returns the time at which to [`look`](Self::look) next, if ever.
    #[cold]
    pub(in crate::reporting) fn next_look(&self) -> Option<Nanos> {
        let now = deadstop_core::now();
        let (begun, at) = times(now);
        if self.is_over || matches!(self.to, To::Nowhere) || now >= due_at(begun, at) {
            return None;
        }
        let next = self.pace.due().min(now.saturating_add(POLL_INTERVAL));
        #[cfg(feature = "terminal")]
        if self.is_live() {
            let frame = now.saturating_add(super::view::FRAME);
            return Some(next.min(frame).min(View::leaves(begun, at)));
        }
        Some(next)
    }

    /// Says what is due.
    #[cold]
    pub(in crate::reporting) fn look(&mut self) {
        let now = deadstop_core::now();
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
            let frame = self.view.as_ref().map(|view| view.show(begun, now, at));
            if frame == Some(Frame::Over) {
                self.view = None;
            }
            // The last frame stays on the terminal, as a line.
            is_due = matches!(frame, Some(Frame::Left | Frame::Over));
        }
        if is_due {
            self.say_progress(now, at);
        }
    }

    /// Returns `true` if a view takes the place of the lines.
    #[cfg(feature = "terminal")]
    fn is_live(&self) -> bool {
        self.view.is_some() && self.held_back.is_none()
    }

    /// Calls `say`, which may say something to the operator by itself.
    pub(in crate::reporting) fn aside(&self, say: impl FnOnce()) {
        #[cfg(feature = "terminal")]
        if let Some(view) = &self.view {
            return view.aside(say);
        }
        say();
    }

    /// Ends with the summary of `report`; without it, if that was written elsewhere.
    pub(in crate::reporting) fn end(&mut self, report: Option<&ShutdownReport>) {
        self.is_over = true;
        #[cfg(feature = "terminal")]
        if let Some(view) = self.view.take() {
            view.clear();
        }
        // A brief normal end is silent unless something was left undone.
        let is_brief = self.held_back.take().is_some();
        let Some(report) = report else {
            return;
        };
        if is_brief && report.is_clean() {
            return;
        }
        match &self.to {
            To::Log => {
                let level = match report.is_clean() {
                    true => Level::Info,
                    false => Level::Warn,
                };
                let (brief, table) = (report.brief(), format!("{report}"));
                let headline = brief.headline();
                self.say(level, &format!("{headline}\n{}", table.trim_end()));
            }
            To::Nowhere => {}
            To::Stderr(stderr) => write(stderr, &format!("{}", report.brief())),
        }
    }

    fn say_progress(&self, now: Nanos, at: Nanos) {
        let mut line = TextBuffer::<WIDTH>::new();
        deadstop_core::render::progress(&mut line, &ROSTER, now, at, &Layout::ONE_LINE);
        self.say(Level::Info, line.as_str());
    }

    fn say(&self, level: Level, text: &str) {
        match &self.to {
            To::Log => logger::log(level, &text),
            To::Nowhere => {}
            To::Stderr(stderr) => write(stderr, text),
        }
    }
}

/// Writes the summary to standard error in place of `deadstop-log`, which hangs. `is_unwritten`
/// says that the thread has not come to the summary. One that the thread has written is on
/// standard error already, unless it went to the logger.
#[cold]
pub(in crate::reporting) fn tell_without_logger(
    outlet: &Outlet,
    report: &ShutdownReport,
    is_unwritten: bool,
) {
    let may_tell = is_unwritten || may_log();
    if let Some(stderr) = outlet.stderr.as_ref().filter(|_| may_tell) {
        write(stderr, &format!("{}", report.brief()));
    }
}

/// Returns the begin of the shutdown, and of the exit: before the deadline, if the process must
/// have disappeared by then. The shutdown has begun.
fn times(now: Nanos) -> (Nanos, Nanos) {
    let deadline = WATCH.deadline();
    let begun = deadline.begun().unwrap_or(now);
    (begun, deadline.exit_at().unwrap_or(Nanos::LAST))
}

/// Asks the logger, if need be.
fn destination(outlet: &Outlet) -> To {
    let stderr = || outlet.stderr.clone().map_or(To::Nowhere, To::Stderr);
    match outlet.progress {
        it if it.is_auto() && log::log_enabled!(target: "deadstop", Level::Info) => To::Log,
        Progress::Log => To::Log,
        Progress::Off => To::Nowhere,
        _ => stderr(),
    }
}

/// The longest wait of a line for standard error. The log's records and reports wait after it.
const STDERR_PATIENCE: Duration = Duration::from_millis(100);

/// Writes the lines of `text` in one piece, each with our name before it.
fn write(stderr: &Stderr, text: &str) {
    let mut lines = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        lines.push_str("deadstop: ");
        lines.push_str(line);
        lines.push('\n');
    }
    let until = deadstop_core::now().saturating_add(STDERR_PATIENCE);
    stderr.write_until(lines.as_bytes(), &|| until);
}
