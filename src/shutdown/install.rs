//! Installs a coordinated shutdown, or makes a detached one.

use super::builder::ShutdownBuilder;
use super::{INSTALLED, Shutdown};
use crate::coordinator::{Coordinator, Settings, WhenDone};
use crate::error::InstallError;
use crate::exit_hold;
use crate::install::Installation;
use crate::notify;
#[cfg(feature = "platform")]
use crate::platform::Program;
use crate::reporting::{Log, Outlet, Progress, Reporter, Reporting};
use crate::signal::Signal;
use crate::sys;
use crate::trigger;
#[cfg(feature = "platform")]
use crate::trigger::SecondSignal;
use crate::watchdog::Watchdog;
use deadstop_core::sys::{SignalMask, SignalSet};

impl ShutdownBuilder {
    /// Starts the threads, handles the signals, and returns when the watchdog
    /// watches.
    ///
    /// Call it early in `main`, from the main thread: before there is load,
    /// before other threads start, and before privileges or limits are dropped.
    ///
    /// # Errors
    ///
    /// Fails if anything that was asked for cannot be: a bad phase, a signal
    /// that cannot be handled, a thread that the system does not give; see
    /// [`InstallError`]. The process then goes on unprotected, with its signals
    /// as they were, and `install` can be tried again.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and starts threads.
    #[cfg_attr(
        not(any(feature = "fault", feature = "platform")),
        expect(unused_mut, reason = "only these change the builder")
    )]
    pub fn install(mut self) -> Result<Shutdown, InstallError> {
        self.check_limits()?;
        let signals = self.check_signals()?;
        let handled = signals.triggers.union(signals.status);
        #[cfg(feature = "platform")]
        let found = self.platform.find(
            Program::new(self.watchdog.grace)
                .signals([self.signals.as_slice(), &self.forwarded_signals].concat())
                .second_signal_ends(self.second_signal == SecondSignal::End),
        )?;
        #[cfg(feature = "platform")]
        {
            self.watchdog.grace = found.grace;
        }
        let plan = (self.plan)(self.phases, self.watchdog.grace).map_err(InstallError::Phases)?;
        #[cfg(feature = "fault")]
        {
            crate::fault::prepare().map_err(InstallError::Fault)?;
            self.sinks.inject(crate::fault::report_file());
        }
        let mut installation = Installation::begin()?;
        trigger::reset();
        let grace = self.watchdog.grace;
        let watchdog = self.watchdog.start(&mut installation, handled)?;
        let blocked = SignalMask::current().blocked();

        let before = match self.block_signals {
            true => SignalMask::block(handled),
            false => SignalMask::current(),
        };
        sys::command::remember_blocked(match self.block_signals {
            true => handled.without(blocked),
            false => SignalSet::EMPTY,
        });
        let settings = Settings {
            grace,
            clean_exit: self.clean_exit,
            when_done: self.when_done,
            failure_status: self.failure_status,
            max_concurrent_tasks: self.max_concurrent_tasks,
            is_attached: true,
            #[cfg(feature = "platform")]
            program: found.program.clone(),
            #[cfg(feature = "fault")]
            missed_faults: crate::fault::missed,
        };
        let interrupts = self.signals.contains(&Signal::INT);
        let outlet = Outlet::new(self.progress, interrupts);
        // The coordinator comes last: once its thread has started, nothing can fail. A
        // failure before that leaves threads, which are parked, and handlers, which do what
        // the signal's default action does. The next try uses both.
        let started = (|| {
            let log = Log::new(outlet.clone());
            let sinks = self.sinks.open(&log)?;
            let replaced = trigger::signal::replaced_set;
            let (reporter, beginning) = Reporter::start(sinks, self.stack_dump_signal, replaced)?;
            let reporting = Reporting::new(log, Some(reporter), outlet);
            let mask = SignalMask::current();
            let coordinator = Coordinator::new(settings, plan, reporting, mask);
            installation.once_for_exit(exit_hold::register)?;
            trigger::on_begin(exit_hold::register_first);
            (self.hook_panics)(self.panics)?;
            let ignored = trigger::signal::handle(
                signals.triggers,
                signals.status,
                signals.forwarded,
                self.second_signal,
            )?;
            coordinator.start()?;
            beginning.wait();
            Ok((coordinator, ignored))
        })();
        let (coordinator, ignored) = started.inspect_err(|_| before.restore())?;
        let shutdown = Shutdown {
            coordinator,
            watchdog,
        };
        exit_hold::hold_for(&shutdown.coordinator);
        INSTALLED.replace(Box::new(shutdown.clone()));
        trigger::set_grace(grace);
        installation.enable();

        trigger::signal::note_blocked(blocked);
        shutdown.log_startup(&ignored);
        #[cfg(feature = "platform")]
        found.apply(&shutdown);
        notify::adopt_ready_descriptor();
        if self.notifies {
            super::notify::start(&shutdown.coordinator.reporting);
        }
        Ok(shutdown)
    }

    /// Makes a coordinator without a watchdog, signals, panic hook and reports, for
    /// tests: any number of them can live in one process, one after another or side by
    /// side.
    ///
    /// Phases, tasks, scopes and waiting are the same. Only a
    /// [request](Shutdown::request) begins the shutdown. At its deadline the tasks are
    /// abandoned, and the process goes on. [`installed`](Shutdown::installed) does not
    /// find it, and its [`watchdog`](Shutdown::watchdog) cannot be armed. Child processes,
    /// files to remove, heartbeats, the health server and a hand-over need a shutdown that is
    /// installed.
    ///
    /// Its threads end some time after its shutdown is over. One that is never requested
    /// keeps two of them, and its tasks, also if every handle is dropped.
    ///
    /// # Errors
    ///
    /// Fails if the phases, the failure status or the number of tasks at once cannot be
    /// used, or if a thread could not be started. The process is not changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use deadstop::{Cause, Shutdown};
    ///
    /// for _ in 0..2 {
    ///     let shutdown = Shutdown::builder().detached()?;
    ///     shutdown.task("flush").on_shutdown(|_| {})?;
    ///     shutdown.request(Cause::requested("a test"));
    ///     shutdown.wait();
    ///     assert!(shutdown.report().unwrap().is_clean());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detached(self) -> Result<Shutdown, InstallError> {
        self.check_limits()?;
        #[cfg(feature = "platform")]
        let program = Program::new(self.watchdog.grace);
        let plan = (self.plan)(self.phases, self.watchdog.grace).map_err(InstallError::Phases)?;
        let settings = Settings {
            grace: self.watchdog.grace,
            clean_exit: self.clean_exit,
            when_done: WhenDone::Wait,
            failure_status: self.failure_status,
            max_concurrent_tasks: self.max_concurrent_tasks,
            is_attached: false,
            #[cfg(feature = "platform")]
            program,
            #[cfg(feature = "fault")]
            missed_faults: crate::fault::missed,
        };
        let watchdog = Watchdog::absent(self.watchdog.grace);
        let outlet = Outlet::new(Progress::Off, false);
        let reporting = Reporting::new(Log::new(outlet.clone()), None, outlet);
        let mask = SignalMask::current();
        let coordinator = Coordinator::new(settings, plan, reporting, mask);
        coordinator.start()?;
        Ok(Shutdown {
            coordinator,
            watchdog,
        })
    }

    /// Returns the signals as sets, or an error for one that cannot be used.
    fn check_signals(&self) -> Result<SignalSets, InstallError> {
        let sets = SignalSets {
            triggers: trigger::signal::check_triggers(&self.signals)?,
            forwarded: trigger::signal::check_triggers(&self.forwarded_signals)?,
            status: trigger::signal::check(&self.status_signals)?,
        };
        trigger::signal::check(self.stack_dump_signal.as_slice())?;
        let begin_shutdown = sets.triggers.union(sets.forwarded);
        match begin_shutdown.intersection(sets.status).numbers().next() {
            Some(number) => Err(InstallError::SignalTwice {
                signal: Signal::from(number),
            }),
            None => Ok(sets),
        }
    }

    /// Returns an error for a number that cannot be used.
    fn check_limits(&self) -> Result<(), InstallError> {
        match self {
            Self {
                failure_status: 0, ..
            } => Err(InstallError::FailureStatus),
            Self {
                max_concurrent_tasks: 0,
                ..
            } => Err(InstallError::NoConcurrentTasks),
            _ => Ok(()),
        }
    }
}

/// The signals of a builder.
struct SignalSets {
    triggers: SignalSet,
    /// Triggers that the application hands over.
    forwarded: SignalSet,
    status: SignalSet,
}
