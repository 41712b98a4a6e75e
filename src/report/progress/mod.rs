//! What the operator sees while a shutdown runs.
//!
//! One line as it begins, one every five seconds or fifth of the grace, and a
//! summary. They are said by `deadstop-log`, which may hang over them: it runs
//! the user's logger, allocates, and waits for whoever reads standard error. The
//! hang report has the floor in the last tenth of the grace; nothing is said
//! then but the summary.
//!
//! Before a shutdown begins nothing here is awake.

mod pace;
mod telling;
#[cfg(feature = "terminal")]
mod view;

use std::sync::Arc;
use std::time::Duration;

use log::Level;

use crate::cause::Cause;
use crate::kill_path::Nanos;

use self::pace::Pace;
use super::stderr::Stderr;

pub(super) use self::telling::Telling;

/// Where the operator is told how far a shutdown is.
///
/// Told is one line as the shutdown begins; one every five seconds, or every
/// fifth of the grace if that is shorter, of what is still running, for how long,
/// and how much time is left; and a summary. In the last tenth of the grace (at
/// most 500 ms) the hang report has the floor.
///
/// Warnings, of a task over its budget, say, go to the [`log`] facade whatever
/// is set here.
///
/// No line holds up the end: it waits for the summary for at most 100 ms.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// In the [`log`] facade, at level `info`, if it takes that of the target
    /// `deadstop`; else as [`Stderr`](Self::Stderr), but that nothing is said of
    /// a program's normal end ([`Cause::Finished`]), unless that takes longer
    /// than the time between two lines.
    ///
    /// With the feature `terminal`, a standard error that is a terminal shows a
    /// live view in place of the lines.
    #[default]
    Auto,
    /// In the [`log`] facade, at level `info`; the summary at `warn` if
    /// something was left undone.
    Log,
    /// Nowhere.
    Off,
    /// On standard error as it was at `install`, in lines that begin with
    /// `deadstop: `.
    Stderr,
}

/// Where progress is told, as it was settled at install.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    progress: Progress,
    stderr: Option<Arc<Stderr>>,
    /// Whether Ctrl-C is a trigger.
    #[cfg(feature = "terminal")]
    interrupts: bool,
}

impl Outlet {
    /// `interrupts` says whether Ctrl-C is among the triggers.
    #[cfg_attr(
        not(feature = "terminal"),
        expect(unused_variables, reason = "a line does not mention it")
    )]
    pub(crate) fn new(progress: Progress, interrupts: bool) -> Self {
        let stderr = match progress {
            Progress::Auto | Progress::Stderr => Stderr::of_now().map(Arc::new),
            Progress::Log | Progress::Off => None,
        };
        Self {
            progress,
            stderr,
            #[cfg(feature = "terminal")]
            interrupts,
        }
    }

    /// Whether nothing is ever told.
    pub(crate) fn is_silent(&self) -> bool {
        match self.progress {
            Progress::Auto => !may_log() && self.stderr.is_none(),
            Progress::Log => !may_log(),
            Progress::Off => true,
            Progress::Stderr => self.stderr.is_none(),
        }
    }

    /// Whether anything may be told of a shutdown, begun at `begun` for `cause`
    /// and with its deadline at `at`, that is over at `now`.
    ///
    /// Where a logger may have to be asked the answer is yes: it is the user's
    /// code, and not for the thread that calls this.
    pub(crate) fn may_tell(&self, cause: &Cause, begun: Nanos, now: Nanos, at: Nanos) -> bool {
        let is_brief = || *cause == Cause::Finished && now < Pace::new(begun, at).due();
        match self.progress {
            Progress::Auto if !may_log() => self.stderr.is_some() && !is_brief(),
            _ => !self.is_silent(),
        }
    }
}

/// Whether the facade does anything with what is said at this level. What it
/// says of our target, only the logger knows.
fn may_log() -> bool {
    Level::Info <= log::max_level()
}

/// The deadline may be brought forward meanwhile, of which nobody here is told.
const LOOK: Duration = Duration::from_millis(250);
