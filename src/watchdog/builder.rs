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
    /// With a grace of zero the process ends as soon as the watchdog is armed. With
    /// `Duration::MAX` it practically never ends.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets the status that the process ends with if the watchdog has to end it:
    /// 1 to 255, default 124. [`install`](Self::install) refuses 0.
    ///
    /// Choose a status that the program itself does not use, so that your supervisor can tell
    /// the two apart. timeout(1) also uses 124.
    pub fn exit_status(mut self, status: u8) -> Self {
        self.exit_status = status;
        self
    }

    /// Sets whether `install` fails if the backup timer cannot be created; default
    /// `false`: its absence is a warning in the log and in
    /// [`protection`](Watchdog::protection).
    ///
    /// The kernel refuses a timer to a user who has reached the limit on pending signals
    /// (`RLIMIT_SIGPENDING`).
    pub fn require_backup_timer(mut self, required: bool) -> Self {
        self.requires_backup_timer = required;
        self
    }

    /// Sets whether a core dump that has begun before the deadline may finish; default `false`.
    ///
    /// While a crashed process writes its core, none of its threads runs, not even the
    /// watchdog. So the kernel timer cuts off a large core shortly after the deadline
    /// ([`backup_after`](Self::backup_after)). With `true`, the timer sends a real-time signal
    /// instead of `SIGKILL`. The handler of that signal ends the process with the status 137. A
    /// process that dumps core does not run the handler: it writes the whole core, and then
    /// dies of the signal by which it crashed.
    ///
    /// The timer is then weaker, as it is for pid 1
    /// ([`BackupTimer::Handler`](crate::protection::BackupTimer::Handler)). A handler needs a
    /// running thread, so a process that is stopped, or in a frozen cgroup, does not end on
    /// time. A watchdog without a `Shutdown` gets a second thread for the handler,
    /// `deadstop-signal`. If the program handles every real-time signal itself, there is no
    /// timer.
    pub fn finish_core_dumps(mut self, finish: bool) -> Self {
        self.finish_core_dumps = finish;
        self
    }

    /// Sets whether the process exits early enough that it has *disappeared* by the
    /// deadline, not merely begun to exit; default `false`.
    ///
    /// A process with much memory takes time to disappear: some 20 to 90 ms for each GiB,
    /// depending on the machine. With `true`, the thread `deadstop-usage` estimates that time
    /// when the watchdog is armed, and again as the deadline comes near. The process then exits
    /// early by 1.25 times the estimate and 2 ms, but at most by half of the grace. If the
    /// estimate is larger than that, a line on standard error says so.
    /// [`deadline`](Watchdog::deadline) does not change.
    ///
    /// The estimate multiplies the freed memory (without pages of files and of shared memory),
    /// threads and descriptors by the constants of [`teardown`](Self::teardown). The additional
    /// quarter is a margin, because the time varies for the same process. The 2 ms are for the
    /// watchdog and the waiting parent process, which need processor time. On a busy machine
    /// the exit can take twice as long, and is then late. The kernel frees huge pages faster;
    /// deadstop counts them if there is time to read `smaps_rollup` (some 15 ms for each GiB).
    /// If `/proc` is unreadable, the estimate is the fixed minimum.
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
    /// On a saturated machine a longer distance gives the watchdog thread time to run, so that
    /// the process ends with the configured status. The same holds in a container whose threads
    /// use up its limit of processor time: the kernel then stops them until the next period of
    /// 100 ms begins. With a grace of 3 s and four spinning threads, a distance of 30 ms lost
    /// the status in 6 of 16 runs at a limit of 0.1 processors, and in 2 of 16 at 0.2. The
    /// default of 250 ms lost it in none of 32. With a grace of less than 2.5 s the default is
    /// shorter: set 250 ms in such a container.
    pub fn backup_after(mut self, distance: Duration) -> Self {
        self.backup_after = Some(distance);
        self
    }

    /// Sets whether `install` saves the terminal's attributes and the watchdog restores them
    /// when it ends the process; default `false`.
    ///
    /// Use it in programs that switch the terminal to raw mode, so that the user's shell echoes
    /// again. The attributes are restored only while the process is in the terminal's
    /// foreground group. Does nothing without a terminal.
    pub fn restore_terminal(mut self, restore: bool) -> Self {
        self.save_terminal = restore.then_some(|| WATCH.terminal().save());
        self
    }

    /// Sets whether deadstop reports on standard error what hangs when the deadline ends the
    /// process; default `true`.
    ///
    /// A thread writes the activity of each thread of the process, at most 300 ms before the
    /// deadline. It writes one more line, such as `deadstop: deadline reached 3.0 s after
    /// arm(); exit status 124`, at most 100 ms before it. It writes only as much as standard
    /// error takes at once, and allocates nothing. A `Shutdown` writes the full hang report
    /// instead, with stacks and tasks.
    #[cfg(feature = "report")]
    pub fn report(mut self, report: bool) -> Self {
        self.reports = report;
        self
    }

    /// Sets the signals that arm the watchdog; default none.
    ///
    /// Use it in a program whose framework handles these signals. deadstop chains the handlers,
    /// so the framework's handler still runs. A signal without another handler only arms the
    /// watchdog: it no longer ends the process at once.
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
    /// Call it early: before the program causes load, drops privileges or lowers limits. When
    /// it returns `Ok`, no other code of the process can keep it alive past an armed deadline.
    /// The [crate's documentation](crate#what-it-cannot-do) lists the exceptions.
    ///
    /// # Errors
    ///
    /// Fails if this process has a watchdog already, if the exit status is 0, if a signal
    /// cannot be handled, if the operating system refuses a thread, and, if it is
    /// [required](Self::require_backup_timer), if the backup timer cannot be created. In each
    /// case the process goes on unprotected, unless it had a watchdog before; see
    /// [`InstallError`]. It may call `install` again.
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
