//! Describes and installs a watchdog.

use std::time::Duration;

#[cfg(feature = "report")]
use super::last_report;
use super::protection::Installed;
use super::{Anchor, Watchdog};
use crate::error::InstallError;
use crate::exit_estimate::{Estimator, Teardown};
use crate::install::Installation;
#[cfg(feature = "signals")]
use crate::process::SIGNALS;
use crate::process::WATCH;
#[cfg(feature = "signals")]
use crate::signal::Signal;
use crate::trigger;
#[cfg(feature = "signals")]
use crate::trigger::{SecondSignal, signal};
#[cfg(feature = "signals")]
use deadstop_core::sys::SignalMask;
use deadstop_core::sys::SignalSet;

/// The default status of a process that the watchdog ended: timeout(1)'s.
const TIMED_OUT: u8 = 124;

/// The default grace.
const GRACE: Duration = Duration::from_secs(10);

/// Describes a watchdog. Made by [`Watchdog::builder`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone, Debug)]
#[must_use = "a builder protects nothing until `install` is called"]
pub struct WatchdogBuilder {
    pub(crate) grace: Duration,
    exit_status: u8,
    requires_backup_timer: bool,
    finish_core_dumps: bool,
    /// Set if the process must have disappeared by its deadline.
    exits_early: bool,
    /// The estimator of the time that that takes.
    estimator: Option<Estimator>,
    /// The time from the exit to the backup timer's expiry; `None` for the default.
    backup_after: Option<Duration>,
    /// Saves the terminal's attributes, which the watchdog restores; linked into programs
    /// that ask for it.
    save_terminal: Option<fn() -> bool>,
    #[cfg(feature = "report")]
    reports: bool,
    #[cfg(feature = "signals")]
    arm_on: Vec<Signal>,
}

impl WatchdogBuilder {
    pub(super) fn new() -> Self {
        Self {
            grace: GRACE,
            exit_status: TIMED_OUT,
            requires_backup_timer: false,
            finish_core_dumps: false,
            exits_early: false,
            estimator: None,
            backup_after: None,
            save_terminal: None,
            #[cfg(feature = "report")]
            reports: true,
            #[cfg(feature = "signals")]
            arm_on: Vec::new(),
        }
    }

    /// Sets how long the process may live once [armed](Watchdog::arm); default
    /// 10 s.
    ///
    /// A grace of zero ends the process as soon as it is armed. One of
    /// `Duration::MAX` in effect never does.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets the status that the process ends with if the watchdog has to end it:
    /// 1 to 255, default 124. [`install`](Self::install) refuses 0.
    ///
    /// Choose one that your supervisor can tell from the program's own. timeout(1)
    /// uses 124 too. A `u8`, because that is what waitpid(2) yields.
    pub fn exit_status(mut self, status: u8) -> Self {
        self.exit_status = status;
        self
    }

    /// Sets whether `install` fails if the backup timer cannot be created; default
    /// `false`: its absence is a warning in the log and in
    /// [`protection`](Watchdog::protection).
    ///
    /// The kernel gives no timer to a user whose limit on pending signals
    /// (`RLIMIT_SIGPENDING`) is reached.
    pub fn require_backup_timer(mut self, required: bool) -> Self {
        self.requires_backup_timer = required;
        self
    }

    /// Sets whether a core dump that is under way at the deadline may finish;
    /// default `false`.
    ///
    /// While a process that has crashed writes its core, no thread of it runs, the
    /// watchdog's included. So it is the kernel timer that cuts a core of gigabytes
    /// off, 25 ms after the deadline. Where the core is worth more than the
    /// deadline, the timer sends a real-time signal in place of `SIGKILL`, whose
    /// handler ends the process with the status 137. A process that dumps core does
    /// not hear it: it dies of what it crashed by, with all of its core, whenever
    /// that is written.
    ///
    /// The timer is then the weaker line that it is for pid 1
    /// ([`BackupTimer::Handler`](crate::protection::BackupTimer::Handler)). A handler needs a
    /// thread that may run: a process that is stopped, or in a frozen cgroup, is not ended on
    /// time. The watchdog alone has a second thread for it, `deadstop-signal`. Where the program
    /// handles every real-time signal itself, there is no timer.
    pub fn finish_core_dumps(mut self, finish: bool) -> Self {
        self.finish_core_dumps = finish;
        self
    }

    /// Sets whether the process exits early enough that it has *disappeared* by the
    /// deadline, not merely begun to exit; default `false`.
    ///
    /// A process with much memory takes a while to go: some 20 to 90 ms for each
    /// GiB, by the machine. If that matters, one more thread, `deadstop-usage`,
    /// estimates it when the watchdog is armed and again as the deadline nears,
    /// and the process exits early by 1.25 times the estimate and 2 ms, but by no
    /// more than half of the grace. A larger estimate is a line on standard error.
    /// [`deadline`](Watchdog::deadline) does not change.
    ///
    /// It is an estimate: of the memory that is freed (not pages of files and of shared
    /// memory), threads and descriptors, by the constants of [`teardown`](Self::teardown). The
    /// quarter is there because the same process takes now less and now more, and the 2 ms so that
    /// the watchdog and the waiting parent process get processor time. On a busy machine the exit
    /// can take twice as long, and is then late. Huge pages free faster; they are counted if
    /// there is time to read `smaps_rollup` (some 15 ms for each GiB). If `/proc` is unreadable,
    /// the estimate is the fixed minimum.
    pub fn exit_early(mut self, early: bool) -> Self {
        self.exits_early = early;
        let estimator = self.estimator.take();
        self.estimator = estimator.or_else(|| Some(Estimator::new(Teardown::new())));
        self
    }

    /// Sets the constants of this machine for [`exit_early`](Self::exit_early), in place of
    /// the built-in ones, and turns it on.
    pub fn teardown(mut self, teardown: Teardown) -> Self {
        self.exits_early = true;
        self.estimator = Some(Estimator::new(teardown));
        self
    }

    /// Sets how long after the deadline the backup timer sends `SIGKILL`. The
    /// default is a tenth of the grace period, at least 25 ms and at most 250 ms.
    ///
    /// On a saturated machine a longer distance gives the watchdog thread time
    /// to run, so that the process ends with the configured status. So it does in a container
    /// whose limit of processor time its own threads use up: the kernel stops them until the
    /// next 100 ms begin. With a grace of 3 s and four threads that spin, a distance of 30 ms lost
    /// the status in 6 of 16 runs at a limit of 0.1 processors, and in 2 of 16 at 0.2; the
    /// default of 250 ms in none of 32. In such a container set it also for a grace of less
    /// than 2.5 s, whose default is shorter.
    pub fn backup_after(mut self, distance: Duration) -> Self {
        self.backup_after = Some(distance);
        self
    }

    /// Sets whether the terminal's attributes are saved at install and restored
    /// when the watchdog ends the process; default `false`.
    ///
    /// For programs that switch the terminal to raw mode: their user's shell
    /// then echoes again. The attributes are restored only while the process is
    /// in the terminal's foreground group. Does nothing without a terminal.
    pub fn restore_terminal(mut self, restore: bool) -> Self {
        self.save_terminal = restore.then_some(|| WATCH.terminal().save());
        self
    }

    /// Sets whether the process says on standard error what hangs as the deadline ends
    /// it; default `true`.
    ///
    /// A thread writes what each thread of the process does, up to 300 ms before the
    /// deadline, and one line, such as `deadstop: deadline reached 3.0 s after arm();
    /// exit status 124`, up to 100 ms before it: as much as standard error takes at once.
    /// It allocates nothing. A `Shutdown` has the full hang report in
    /// its place, with stacks and tasks.
    #[cfg(feature = "report")]
    pub fn report(mut self, report: bool) -> Self {
        self.reports = report;
        self
    }

    /// Sets the signals that arm the watchdog; default none.
    ///
    /// For a program whose framework handles them too: the handlers are chained,
    /// so the framework's runs as before. A signal that nothing else handles arms
    /// the watchdog and does not end the process by itself any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use deadstop::{Signal, Watchdog};
    ///
    /// // The one line for a server that handles SIGTERM and SIGINT itself:
    /// Watchdog::builder()
    ///     .grace(Duration::from_secs(25))
    ///     .arm_on([Signal::TERM, Signal::INT])
    ///     .install()?;
    /// # Ok::<(), deadstop::InstallError>(())
    /// ```
    #[cfg(feature = "signals")]
    pub fn arm_on(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.arm_on = signals.into_iter().collect();
        self
    }

    /// Starts the watchdog thread and waits until it watches.
    ///
    /// Call it early: before there is load, and before privileges or limits
    /// are dropped. When it returns `Ok`, nothing that the rest of the process
    /// does can keep it alive past an armed deadline; what the watchdog cannot
    /// beat is listed in the [crate's documentation](crate#what-it-cannot-do).
    ///
    /// # Errors
    ///
    /// Fails if this process has a watchdog already, if the exit status is 0, if a
    /// signal cannot be handled, if the operating system refuses a thread, and, if
    /// it is [required](Self::require_backup_timer), if the backup timer cannot be created.
    /// In each case the process goes on unprotected, unless there was a watchdog
    /// before; see [`InstallError`]. It can be tried again.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and starts a thread.
    pub fn install(self) -> Result<Watchdog, InstallError> {
        #[cfg(feature = "signals")]
        let signals = signal::check_triggers(&self.arm_on)?;
        #[cfg(not(feature = "signals"))]
        let signals = SignalSet::EMPTY;
        let mut installation = Installation::begin()?;
        #[cfg(feature = "signals")]
        SIGNALS.reset_after_fork();
        let grace = self.grace;
        #[cfg(feature = "report")]
        let (reports, status) = (self.reports, self.exit_status);
        let watchdog = self.start(&mut installation, signals)?;
        #[cfg(feature = "report")]
        last_report::start(&mut installation, reports, status)?;
        #[cfg(feature = "signals")]
        signal::handle(
            signals,
            SignalSet::EMPTY,
            SignalSet::EMPTY,
            SecondSignal::Ignore,
        )?;
        #[cfg(feature = "signals")]
        signal::note_blocked(SignalMask::current().blocked());
        trigger::set_grace(grace);
        installation.enable();
        #[cfg(feature = "shutdown")]
        watchdog.tell_protection(|level, line| log::log!(target: "deadstop", level, "{line}"));
        Ok(watchdog)
    }

    /// Does all of `install` except for the last step, which makes it final.
    pub(crate) fn start(
        self,
        installation: &mut Installation,
        signals: SignalSet,
    ) -> Result<Watchdog, InstallError> {
        if self.exit_status == 0 {
            return Err(InstallError::ExitStatus);
        }
        WATCH.backup_timer().set_distance(self.backup_after);
        if let Some(save) = self.save_terminal {
            save();
        }
        let refused = installation.start(
            self.exit_status,
            self.requires_backup_timer,
            self.finish_core_dumps,
            signals,
        )?;
        installation.start_exit_estimate(self.estimator.filter(|_| self.exits_early))?;
        Ok(Watchdog {
            grace: self.grace,
            installed: Installed::watchdog(installation.backup_timer_mode(), refused),
            anchor: Anchor::cast(),
            is_attached: true,
        })
    }
}
