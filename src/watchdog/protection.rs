//! The lines of defense that are in place.

use std::fmt;
use std::io;

use deadstop_core::kill_path::BackupTimerMode;

use crate::signal::Signal;
use crate::sys::errno;
use crate::trigger::replaced_warning;

/// The lines of defense that are in place in this process, and the triggers that
/// another library has taken.
///
/// Returned by [`Watchdog::protection`](crate::Watchdog::protection). It is a
/// snapshot: a library may replace a signal handler at any time.
///
/// # Examples
///
/// ```
/// let watchdog = deadstop::Watchdog::builder().install()?;
/// let protection = watchdog.protection();
/// for warning in protection.warnings() {
///     eprintln!("warning: {warning}");
/// }
/// assert!(protection.watchdog());
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Protection {
    watchdog: bool,
    backup_timer: BackupTimer,
    /// The reason why there is no timer, as the core's number.
    timer_refused: Option<i32>,
    replaced_signals: Vec<Signal>,
    ignored_signals: Vec<Signal>,
    blocked_signals: Vec<Signal>,
    panic_hook_replaced: bool,
}

/// The part of a [`Protection`] that stays as `install` left it. A handle keeps it: it is copied
/// without an allocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Installed {
    watchdog: bool,
    backup_timer: BackupTimer,
    timer_refused: Option<i32>,
}

impl Installed {
    #[cfg(feature = "shutdown")]
    pub(super) const NOTHING: Self = Self {
        watchdog: false,
        backup_timer: BackupTimer::Absent,
        timer_refused: None,
    };

    /// A watchdog, with a backup timer in `mode` if there is one; `refused` is the reason why
    /// there is none, as the core's number.
    pub(super) fn watchdog(mode: Option<BackupTimerMode>, refused: Option<i32>) -> Self {
        Self {
            watchdog: true,
            backup_timer: match mode {
                Some(BackupTimerMode::Kill) if cfg!(windows) => BackupTimer::Guard,
                Some(BackupTimerMode::Kill) => BackupTimer::Kill,
                Some(BackupTimerMode::Handler { .. }) => BackupTimer::Handler,
                None => BackupTimer::Absent,
            },
            timer_refused: refused,
        }
    }
}

impl Protection {
    pub(super) const NONE: Self = Self {
        watchdog: false,
        backup_timer: BackupTimer::Absent,
        timer_refused: None,
        replaced_signals: Vec::new(),
        ignored_signals: Vec::new(),
        blocked_signals: Vec::new(),
        panic_hook_replaced: false,
    };

    /// Returns the protection at install, before another library can replace a trigger.
    pub(super) fn at_install(installed: Installed) -> Self {
        Self {
            watchdog: installed.watchdog,
            backup_timer: installed.backup_timer,
            timer_refused: installed.timer_refused,
            ..Self::NONE
        }
    }

    /// Adds what is true of the triggers now.
    pub(super) fn with_triggers(mut self) -> Self {
        #[cfg(feature = "signals")]
        {
            self.replaced_signals = crate::trigger::signal::replaced();
            self.ignored_signals = crate::trigger::signal::still_ignored();
            self.blocked_signals = crate::trigger::signal::blocked();
        }
        #[cfg(feature = "shutdown")]
        {
            use crate::trigger::panic::{HookState, state};
            self.panic_hook_replaced = state() == HookState::Replaced;
        }
        // Without the features there is nothing to add.
        let _ = &mut self;
        self
    }

    /// Returns `true` if a watchdog thread ends this process at its deadline. `false` only in a
    /// child of `fork`.
    pub fn watchdog(&self) -> bool {
        self.watchdog
    }

    /// Returns the kernel's action if the watchdog thread does not end the process.
    pub fn backup_timer(&self) -> BackupTimer {
        self.backup_timer
    }

    /// Returns why the kernel refused the backup timer, if it did. macOS has none; Windows
    /// has one if the program has started a guard.
    pub fn backup_timer_error(&self) -> Option<io::Error> {
        self.timer_refused.map(errno::error)
    }

    /// Returns the signals whose handler another library has replaced. deadstop's handler then
    /// runs only if the new handler calls it, and most do not.
    pub fn replaced_signals(&self) -> &[Signal] {
        &self.replaced_signals
    }

    /// Returns the triggers that stay ignored, because the process was started
    /// with them ignored (nohup, or a background job).
    pub fn ignored_signals(&self) -> &[Signal] {
        &self.ignored_signals
    }

    /// Returns the triggers that the thread which called `install` had blocked. Programs block
    /// signals that they take by sigwait(3) or signalfd(2). The kernel gives such a signal
    /// either to them or to deadstop's handler, not to both.
    pub fn blocked_signals(&self) -> &[Signal] {
        &self.blocked_signals
    }

    /// Returns `true` if a panic hook that was set after `install` runs before deadstop's hook,
    /// or instead of it.
    pub fn panic_hook_replaced(&self) -> bool {
        self.panic_hook_replaced
    }

    /// Returns a sentence for each part that the system refused, or that other code has changed
    /// since `install`.
    #[cold]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.watchdog {
            return vec!["this process has no watchdog: it is a child of fork".to_owned()];
        }
        if let Some(error) = self.backup_timer_error() {
            warnings.push(format!(
                "could not create the backup kernel timer ({error}); \
                 only the watchdog thread enforces the deadline"
            ));
        }
        if !self.replaced_signals.is_empty() {
            warnings.push(replaced_warning(&self.replaced_signals));
        }
        for signal in &self.ignored_signals {
            warnings.push(format!(
                "{signal} was ignored at startup (nohup or a background job); \
                 it will not trigger a shutdown"
            ));
        }
        for signal in &self.blocked_signals {
            warnings.push(may_not_be_heard(*signal));
        }
        if self.panic_hook_replaced {
            warnings.push(
                "a panic hook that was set after install runs before deadstop's: the clock of a \
                 panic starts when that hook is done; call `arm_from_panic_hook` first in it"
                    .to_owned(),
            );
        }
        warnings
    }

    /// Gives `say` what an operator may want to know at startup.
    #[cfg(feature = "shutdown")]
    pub(super) fn tell(&self, say: impl Fn(log::Level, String)) {
        for warning in self.warnings() {
            say(log::Level::Warn, warning);
        }
        for signal in crate::trigger::signal::blocked() {
            say(log::Level::Warn, may_not_be_heard(signal));
        }
        if self.backup_timer == BackupTimer::Handler && deadstop_core::pid() == 1 {
            let line = "running as pid 1: SIGKILL from inside has no effect, so the backup timer \
                        uses a real-time signal; run under an init (docker run --init) to get \
                        SIGKILL";
            say(log::Level::Info, line.to_owned());
        }
    }
}

fn may_not_be_heard(signal: Signal) -> String {
    format!(
        "{signal} was blocked in the thread that called install: if the program takes it by \
         sigwait or signalfd, deadstop may not hear it; call `Shutdown::notify_signal` there, \
         or `Watchdog::arm`"
    )
}

impl fmt::Display for Protection {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.watchdog, self.backup_timer) {
            (false, _) => "none",
            (true, BackupTimer::Absent) => "watchdog thread",
            (true, BackupTimer::Handler) => "watchdog thread, signal by kernel timer",
            (true, BackupTimer::Kill) => "watchdog thread, SIGKILL by kernel timer",
            (true, BackupTimer::Guard) => "watchdog thread, guard process",
        })?;
        for signal in &self.replaced_signals {
            write!(f, "; the handler of {signal} was replaced")?;
        }
        if self.panic_hook_replaced {
            f.write_str("; the panic hook was replaced")?;
        }
        Ok(())
    }
}

/// The kernel's action if the watchdog thread does not end the process by the
/// deadline.
///
/// # Examples
///
/// ```
/// use deadstop::Watchdog;
/// use deadstop::protection::BackupTimer;
///
/// let watchdog = Watchdog::builder().install()?;
/// if watchdog.protection().backup_timer() == BackupTimer::Absent {
///     println!("only the watchdog thread enforces the deadline");
/// }
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BackupTimer {
    /// The system has no timer.
    Absent,
    /// The timer sends a real-time signal, whose handler ends the process with the status 137.
    /// This is the case for pid 1 of a PID namespace, which the kernel protects from its own
    /// `SIGKILL`, and if a core dump [may finish](crate::WatchdogBuilder::finish_core_dumps).
    Handler,
    /// The timer ends the process by `SIGKILL`.
    Kill,
    /// Another process ends this one, with the status 137. This is the case on Windows, if the
    /// program has started that process by `guard::start`.
    Guard,
}
