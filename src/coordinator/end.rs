//! Whoever waits for the end, and how the process ends if nobody does.

use std::process;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::cause::Cause;
use crate::kill_path::{self, EventCount};
use crate::signal::Signal;

use super::core::Settings;
use super::shutdown_report::ShutdownReport;

/// How a shutdown that left nothing undone ends the process.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CleanExit {
    /// With status 0.
    #[default]
    Success,
    /// If a signal was the cause, with 128 and its number, as shells report a
    /// process that the signal ended: 143 for `SIGTERM`. Else with 0.
    SignalStatus,
    /// If a signal was the cause, by that signal, so that whoever waits for the
    /// process sees it died of it. `atexit` handlers do not run then. Else with
    /// 0.
    ///
    /// A `main` that returns what [`wait`](crate::Shutdown::wait) gave it ends
    /// with the status of [`SignalStatus`](Self::SignalStatus);
    /// [`exit`](crate::Shutdown::exit) ends by the signal.
    Reraise,
}

/// How a run ended.
#[derive(Clone)]
pub(crate) struct Final {
    pub(crate) report: Arc<ShutdownReport>,
    pub(crate) status: u8,
}

/// How long an end that nobody waits for is held.
const MOMENT: Duration = Duration::from_millis(50);

/// The end, and a place to wait for it.
pub(crate) struct End {
    state: Mutex<State>,
    came: EventCount,
}

struct State {
    how: Option<Final>,
    waiting: usize,
}

impl End {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                how: None,
                waiting: 0,
            }),
            came: EventCount::new(),
        }
    }

    /// How it ended, if it has.
    pub(crate) fn get(&self) -> Option<Final> {
        self.state.lock().how.clone()
    }

    /// Says that somebody is about to wait.
    pub(crate) fn announce(&self) {
        let late = {
            let mut state = self.state.lock();
            state.waiting += 1;
            state.how.is_some()
        };
        if late {
            self.came.advance();
        }
    }

    /// Whether somebody waits, or is about to.
    pub(super) fn is_waited_for(&self) -> bool {
        self.state.lock().waiting > 0
    }

    /// Waits for the end. All who wait are told the same.
    pub(crate) fn wait(&self) -> Final {
        self.announce();
        loop {
            let seen = self.came.read();
            if let Some(how) = self.get() {
                return how;
            }
            self.came.wait_past(seen, None);
        }
    }

    /// Whether anybody waits, or comes to wait within a moment: whoever has
    /// just asked for the end, say, and goes on to wait for it.
    pub(super) fn finds_company(&self) -> bool {
        let until = kill_path::now().saturating_add(MOMENT);
        loop {
            let seen = self.came.read();
            if self.is_waited_for() {
                return true;
            }
            if until <= kill_path::now() {
                return false;
            }
            self.came.wait_past(seen, Some(until));
        }
    }

    /// The end has come.
    pub(super) fn come(&self, how: Final) {
        self.state.lock().how = Some(how);
        self.came.advance();
    }
}

/// The status that a run ends with.
pub(super) fn status(report: &ShutdownReport, settings: &Settings) -> u8 {
    if !report.is_clean() {
        return settings.failure_status;
    }
    match (report.cause(), settings.clean_exit) {
        (Cause::Panicked { .. }, _) => 101,
        (Cause::Signalled { signal, .. }, CleanExit::SignalStatus | CleanExit::Reraise) => {
            128 | signal.number().unsigned_abs() as u8
        }
        _ => 0,
    }
}

/// Ends the process, with `status` or by `signal` as `clean_exit` says.
///
/// `atexit` handlers run, and may hang: the watchdog is armed.
#[expect(clippy::exit, reason = "the shutdown is over, and this is its end")]
pub(crate) fn exit_with(clean_exit: CleanExit, signal: Option<Signal>, status: u8) -> ! {
    match (clean_exit, signal) {
        (CleanExit::Reraise, Some(signal)) => kill_path::die_of(signal.number()),
        _ => process::exit(status.into()),
    }
}
