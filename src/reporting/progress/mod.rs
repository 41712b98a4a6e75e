//! Progress of a shutdown, for the operator.
//!
//! One line as it begins, one every five seconds or fifth of the grace, and a
//! summary. `deadstop-log` writes them, and may hang over them: it runs the user's
//! logger, allocates, and waits for the reader of standard error. In the last tenth
//! of the grace only the hang report and the summary are written.

mod pace;
mod progress_reporter;
#[cfg(feature = "terminal")]
mod view;
mod width;

use std::sync::Arc;
use std::time::Duration;

use log::Level;

use crate::cause::Cause;
use crate::report::ShutdownReport;
use deadstop_core::Nanos;

use self::pace::Pace;
use super::stderr::Stderr;

pub(super) use self::progress_reporter::{ProgressReporter, tell_without_logger};
#[cfg(feature = "terminal")]
pub(super) use self::view::{clear_live_view, restore_live_view};

/// The destination of a shutdown's progress lines.
///
/// deadstop writes one line when the shutdown begins, one line every five seconds (every fifth
/// of the grace, if that is shorter), and a summary. The lines in between say which tasks run,
/// for how long, and how much time is left. In the last tenth of the grace (at most 500 ms)
/// deadstop writes only the hang report and the summary.
///
/// Warnings, for example about a task over its budget, always go to the [`log`] facade.
///
/// No line delays the end of the process: it waits for the summary for at most 100 ms. If the
/// logger has not taken the summary by then, and a task was not done, deadstop also writes the
/// summary to standard error.
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
/// use deadstop::report::Progress;
///
/// // On standard error, whatever the logger accepts.
/// let shutdown = Shutdown::builder().progress(Progress::Stderr).install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// To the [`log`] facade at level `info`, if the logger enables that level for the target
    /// `deadstop`; otherwise as [`Stderr`](Self::Stderr). On standard error, the normal end of
    /// a program ([`Cause::Finished`]) prints nothing, unless a task was not done or the end
    /// takes longer than the time between two lines.
    #[default]
    Auto,
    /// As a live view on standard error, if that is a terminal; otherwise as
    /// [`Auto`](Self::Auto).
    #[cfg(feature = "terminal")]
    Live,
    /// To the [`log`] facade at level `info`; the summary at `warn` if a task was not done.
    Log,
    /// Nowhere.
    Off,
    /// To standard error, in lines that begin with `deadstop: `, as long as it is still the
    /// file that it was at `install`. deadstop keeps no duplicate of the descriptor.
    Stderr,
}

impl Progress {
    /// Returns `true` if the log decides.
    fn is_auto(self) -> bool {
        #[cfg(feature = "terminal")]
        if self == Self::Live {
            return true;
        }
        self == Self::Auto
    }
}

/// The destination of progress, decided at install.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    progress: Progress,
    stderr: Option<Arc<Stderr>>,
    /// Set if Ctrl-C is a trigger.
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
            it if it.is_auto() => Stderr::without_copy().map(Arc::new),
            Progress::Stderr => Stderr::without_copy().map(Arc::new),
            _ => None,
        };
        Self {
            progress,
            stderr,
            #[cfg(feature = "terminal")]
            interrupts,
        }
    }

    /// Returns `true` if no line is ever written.
    pub(crate) fn is_silent(&self) -> bool {
        match self.progress {
            Progress::Log => !may_log(),
            Progress::Off => true,
            Progress::Stderr => self.stderr.is_none(),
            _ => !may_log() && self.stderr.is_none(),
        }
    }

    /// Returns `true` if there may be lines about a shutdown, begun at `begun` and with
    /// its deadline at `at`, that is over at `now`.
    ///
    /// Where a logger may have to be asked the answer is yes: it is the user's
    /// code, and not for the thread that calls this.
    pub(crate) fn may_tell(
        &self,
        report: &ShutdownReport,
        begun: Nanos,
        now: Nanos,
        at: Nanos,
    ) -> bool {
        let is_normal = || *report.cause() == Cause::Finished && report.is_clean();
        let is_brief = || is_normal() && now < Pace::new(begun, at).due();
        match self.progress {
            it if it.is_auto() && !may_log() => self.stderr.is_some() && !is_brief(),
            _ => !self.is_silent(),
        }
    }
}

/// Returns `true` if the facade is enabled at this level. Only the logger knows about our target.
fn may_log() -> bool {
    Level::Info <= log::max_level()
}

/// The longest sleep between two looks: no event tells this thread that the deadline was brought
/// forward.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
