//! Describes a coordinated shutdown.

use std::time::Duration;

use crate::coordinator::{CleanExit, Phase, Plan, WhenDone};
use crate::error::{InstallError, PhasesError};
use crate::exit_estimate::Teardown;
use crate::exit_hold;
use crate::reporting::{Progress, Sinks};
use crate::signal::Signal;
use crate::trigger::{self, Panics, SecondSignal};
use crate::watchdog::{Watchdog, WatchdogBuilder};

/// Describes a shutdown. Made by [`Shutdown::builder`](crate::Shutdown::builder).
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone, Debug)]
#[must_use = "a builder protects nothing until `install` is called"]
pub struct ShutdownBuilder {
    pub(super) watchdog: WatchdogBuilder,
    pub(super) signals: Vec<Signal>,
    pub(super) forwarded_signals: Vec<Signal>,
    pub(super) block_signals: bool,
    pub(super) panics: Panics,
    /// Sets the panic hook; set with `panics`, so that a program without does not link it.
    pub(super) hook_panics: fn(Panics) -> Result<(), InstallError>,
    pub(super) second_signal: SecondSignal,
    pub(super) clean_exit: CleanExit,
    pub(super) failure_status: u8,
    pub(super) max_concurrent_tasks: usize,
    pub(super) phases: Vec<Phase>,
    /// Makes the plan of them; set with the first one, so that a program without any links
    /// nothing that arranges them.
    pub(super) plan: fn(Vec<Phase>, Duration) -> Result<Plan, PhasesError>,
    pub(super) progress: Progress,
    pub(super) status_signals: Vec<Signal>,
    pub(super) stack_dump_signal: Option<Signal>,
    pub(super) sinks: Sinks,
    pub(super) when_done: WhenDone,
    pub(super) notifies: bool,
    #[cfg(feature = "platform")]
    pub(super) platform: super::platform::Options,
}

impl ShutdownBuilder {
    pub(super) fn new() -> Self {
        Self {
            watchdog: Watchdog::builder(),
            signals: vec![Signal::TERM, Signal::INT],
            forwarded_signals: Vec::new(),
            block_signals: false,
            panics: Panics::Ignore,
            hook_panics: trigger::panic::ignore,
            second_signal: SecondSignal::default(),
            clean_exit: CleanExit::Success,
            when_done: WhenDone::Wait,
            failure_status: 1,
            max_concurrent_tasks: usize::MAX,
            phases: Vec::new(),
            plan: |_, grace| Ok(Plan::of_defaults(grace)),
            progress: Progress::default(),
            status_signals: Vec::new(),
            stack_dump_signal: None,
            sinks: Sinks::new(),
            notifies: true,
            #[cfg(feature = "platform")]
            platform: super::platform::Options::default(),
        }
    }

    /// Sets how long the process may live once the shutdown has begun; ten seconds
    /// unless set.
    ///
    /// Make it shorter than the time that your supervisor waits before `SIGKILL`: Kubernetes
    /// waits 30 s, systemd 90 s, Docker 10 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.watchdog = self.watchdog.grace(grace);
        #[cfg(feature = "platform")]
        self.platform.forget_grace();
        self
    }

    /// Sets the status with which the watchdog ends the process at the deadline: 1 to
    /// 255, and 124 unless set.
    pub fn exit_status(mut self, status: u8) -> Self {
        self.watchdog = self.watchdog.exit_status(status);
        self
    }

    /// Sets the status of a shutdown that ended in time with a task that failed or did not run,
    /// or that began because a heartbeat stalled: 1 to 255, and 1 unless set.
    pub fn failure_status(mut self, status: u8) -> Self {
        self.failure_status = status;
        self
    }

    /// Sets how the process exits after a shutdown whose tasks were all done;
    /// [`CleanExit::Success`] unless set.
    pub fn clean_exit(mut self, clean_exit: CleanExit) -> Self {
        self.clean_exit = clean_exit;
        self
    }

    /// Sets whether the application or deadstop ends the process when every task has ended;
    /// [`WhenDone::Wait`] unless set.
    pub fn when_done(mut self, when_done: WhenDone) -> Self {
        self.when_done = when_done;
        self
    }

    /// Sets whether `install` fails without the kernel timer; see
    /// [`WatchdogBuilder::require_backup_timer`].
    pub fn require_backup_timer(mut self, required: bool) -> Self {
        self.watchdog = self.watchdog.require_backup_timer(required);
        self
    }

    /// Sets how long after the deadline the backup timer sends `SIGKILL`; see
    /// [`WatchdogBuilder::backup_after`].
    pub fn backup_after(mut self, distance: Duration) -> Self {
        self.watchdog = self.watchdog.backup_after(distance);
        self
    }

    /// Sets whether a core dump that has begun before the deadline may finish; see
    /// [`WatchdogBuilder::finish_core_dumps`].
    pub fn finish_core_dumps(mut self, finish: bool) -> Self {
        self.watchdog = self.watchdog.finish_core_dumps(finish);
        self
    }

    /// Sets whether the process exits so early that it has *disappeared* by the deadline; see
    /// [`WatchdogBuilder::exit_early`]. Budgets then end where the exit begins.
    pub fn exit_early(mut self, early: bool) -> Self {
        self.watchdog = self.watchdog.exit_early(early);
        self
    }

    /// Sets the constants of this machine for [`exit_early`](Self::exit_early), and turns it
    /// on; see [`WatchdogBuilder::teardown`].
    pub fn teardown(mut self, teardown: Teardown) -> Self {
        self.watchdog = self.watchdog.teardown(teardown);
        self
    }

    /// Sets the signals that begin the shutdown: `SIGTERM` and `SIGINT` unless set. An empty
    /// list means no signals.
    ///
    /// deadstop chains its handlers with those of other libraries, which still get the signal.
    /// deadstop's handler does not run if a handler that was set before it never returns.
    /// `SIGINT`, `SIGQUIT` and `SIGHUP` stay ignored if they were ignored at startup: shells
    /// and `nohup` do that for background jobs.
    ///
    /// A handler that is set later, by signal(2) or `ctrlc::set_handler`, replaces deadstop's
    /// handler. [`protection`](Watchdog::protection) reports that, and one warning at the
    /// program's first wait for the request or the end does: in the log, or on standard error
    /// without a logger. The new handler can pass the signal on by
    /// [`notify_signal`](crate::Shutdown::notify_signal). For
    /// [`forwarded_signals`](Self::forwarded_signals) there is no warning.
    ///
    /// `install` refuses a signal whose default action is not to end the process,
    /// such as `SIGCHLD`.
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// Sets the signals that begin the shutdown and that the application handles itself;
    /// none unless set. deadstop sets no handler for them.
    ///
    /// Use this in a runtime that owns the signal handlers, or in a program that takes its
    /// signals by sigwait(3) or signalfd(2). The program must call
    /// [`notify_signal`](crate::Shutdown::notify_signal) when such a signal arrives.
    ///
    /// `install` refuses the signals that [`signals`](Self::signals) cannot have.
    pub fn forwarded_signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.forwarded_signals = signals.into_iter().collect();
        self
    }

    /// Sets what a second signal does; default
    /// [`SecondSignal::EndFromTerminal`]: only a second Ctrl-C or Ctrl-\ at the
    /// terminal ends the process.
    ///
    /// One line on standard error names the signal, its effect and its sender.
    pub fn second_signal(mut self, second: SecondSignal) -> Self {
        self.second_signal = second;
        self
    }

    /// Sets whether to block the signals in the thread that calls `install`, and so
    /// in all that it starts later; false unless set.
    ///
    /// A thread that has no other work then handles the signals. Under load it gets them much
    /// sooner: with 64 spinning threads after 65 µs instead of 95 ms.
    ///
    /// # Danger
    ///
    /// A program that [`std::process::Command`] starts inherits the mask, and then never
    /// receives `SIGTERM`. Start programs with
    /// [`unblock_signals`](crate::signals::unblock_signals).
    pub fn block_signals(mut self, block: bool) -> Self {
        self.block_signals = block;
        self
    }

    /// Sets the consequence of a panic; [`Panics::Ignore`] unless set.
    pub fn panics(mut self, panics: Panics) -> Self {
        self.panics = panics;
        self.hook_panics =
            |panics| trigger::panic::hook(panics, exit_hold::exit_after_panic_of_main);
        self
    }

    /// Sets the signals that request a [status report](crate::Shutdown::status_report) and do
    /// not begin the shutdown; none unless set. JVMs and Go programs use `SIGQUIT` for such a
    /// report.
    ///
    /// deadstop chains its handlers with those of other libraries. `install` refuses a signal
    /// that is also in [`signals`](Self::signals), and `SIGURG`, which deadstop sends to
    /// threads to capture their stacks.
    pub fn status_signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.status_signals = signals.into_iter().collect();
        self
    }

    /// Sets a signal that deadstop sends to its own process before it writes the
    /// deadline's hang report; none unless set.
    ///
    /// Use it for runtimes that print their own stacks on a signal: a JVM on `SIGQUIT`, Python
    /// on a signal that `faulthandler` has registered. deadstop does not send the signal if no
    /// handler is set for it, or if descriptor 2 is a file other than standard error.
    pub fn stack_dump_signal(mut self, signal: Signal) -> Self {
        self.stack_dump_signal = Some(signal);
        self
    }

    /// Sets where hang reports go; [`Sinks::new`] unless set.
    pub fn sinks(mut self, sinks: Sinks) -> Self {
        self.sinks = sinks;
        self
    }

    /// Sets whether deadstop notifies systemd, if `NOTIFY_SOCKET` is set; `true` unless set.
    /// The thread `deadstop-notify` sends the notifications, and never blocks.
    ///
    /// | message | when |
    /// | --- | --- |
    /// | `READY=1` | at [`set_ready`](crate::Shutdown::set_ready) |
    /// | `RELOADING=1` | at [`reloading`](crate::Shutdown::reloading) |
    /// | `STOPPING=1` | when the shutdown begins |
    /// | `EXTEND_TIMEOUT_USEC` | with `STOPPING`, then each second: `TimeoutStopSec` does not cut the grace short |
    /// | `STATUS` | with `STOPPING`, then each second: the seconds left, the phase, and the tasks that run |
    /// | `WATCHDOG=1` | twice per `WATCHDOG_USEC`, if a heartbeat exists and none is late |
    /// | `WATCHDOG=trigger` | 1.5 s after a heartbeat was found late: systemd then kills |
    ///
    /// The last two need the feature `health`. Heartbeats with `OnStall::Report` do not affect
    /// them.
    pub fn systemd_notifications(mut self, notify: bool) -> Self {
        self.notifies = notify;
        self
    }

    /// Sets the maximum number of tasks of a phase that run at the same time. It must be at
    /// least 1; there is no maximum unless set.
    pub fn max_concurrent_tasks(mut self, max: usize) -> Self {
        self.max_concurrent_tasks = max;
        self
    }

    /// Sets where the progress of the shutdown is written; default
    /// [`Progress::Auto`].
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Adds a phase, or changes one of the four default phases.
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phases.push(phase);
        self.plan = Plan::new;
        self
    }
}
