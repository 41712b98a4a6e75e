//! Installs a coordinated shutdown: the steps in their order.

use std::sync::Arc;

use super::builder::ShutdownBuilder;
use super::checks::SignalSets;
#[cfg(feature = "platform")]
use super::platform::Found as FoundPlatform;
use super::{INSTALLED, Shutdown};
use crate::coordinator::{Coordinator, Plan, Settings};
use crate::error::InstallError;
use crate::exit_hold;
use crate::install::Installation;
use crate::notify;
#[cfg(feature = "platform")]
use crate::platform::Program;
use crate::reporting::{Log, Outlet, Reporter, Reporting};
use crate::signal::Signal;
use crate::sys;
use crate::trigger;
#[cfg(feature = "platform")]
use crate::trigger::SecondSignal;
use deadstop_core::sys::{SignalMask, SignalSet};

impl ShutdownBuilder {
    /// Starts the threads, handles the signals, and returns when the watchdog
    /// watches.
    ///
    /// Call it early in `main`, on the main thread: before the program causes load, starts
    /// other threads, drops privileges or lowers limits.
    ///
    /// Code that sets its own signal handlers, such as `ctrlc::set_handler`, must run before it:
    /// a handler that is set later mostly replaces deadstop's. One warning at the program's
    /// first [wait](Shutdown::wait) says so.
    ///
    /// # Errors
    ///
    /// Fails if a part of the configuration is not possible: an invalid phase, a signal that
    /// cannot be handled, a thread that the system refuses; see [`InstallError`]. The process
    /// then goes on unprotected, its signals are as before, and it may call `install` again.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and starts threads.
    pub fn install(mut self) -> Result<Shutdown, InstallError> {
        self.check_limits()?;
        let signals = self.check_signals()?;
        #[cfg(feature = "platform")]
        let found = self.find_platform()?;
        let plan = self.arrange_phases()?;
        #[cfg(feature = "fault")]
        {
            crate::fault::prepare().map_err(InstallError::Fault)?;
            self.sinks.inject(crate::fault::report_file());
        }
        let settings = Settings {
            when_done: self.when_done,
            is_attached: true,
            #[cfg(feature = "platform")]
            program: found.program.clone(),
            ..self.detached_settings()
        };
        let (grace, notifies) = (self.watchdog.grace, self.notifies);
        let mut installation = Installation::begin()?;
        trigger::reset();
        let watchdog = self.watchdog.clone();
        let watchdog = watchdog.start(&mut installation, signals.handled())?;
        let blocked = SignalMask::current().blocked();
        let before = self.block(signals.handled(), blocked);
        let started = self.start_coordinator(settings, plan, &signals, &mut installation);
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
        if notifies {
            super::notify::start(&shutdown.coordinator.reporting);
        }
        Ok(shutdown)
    }

    /// Finds what the platform says of this program, and takes its grace period if that was
    /// asked for.
    #[cfg(feature = "platform")]
    fn find_platform(&mut self) -> Result<FoundPlatform, InstallError> {
        let found = self.platform.find(
            Program::new(self.watchdog.grace)
                .signals([self.signals.as_slice(), &self.forwarded_signals].concat())
                .second_signal_ends(self.second_signal == SecondSignal::End),
        )?;
        self.watchdog.grace = found.grace;
        Ok(found)
    }

    /// Blocks the signals that are handled, if that was asked for. Returns the mask before.
    /// Programs that are started later get the mask that the thread would have otherwise.
    fn block(&self, handled: SignalSet, blocked: SignalSet) -> SignalMask {
        if !self.block_signals {
            sys::command::remember_blocked(SignalSet::EMPTY);
            return SignalMask::current();
        }
        let before = SignalMask::block(handled);
        sys::command::remember_blocked(handled.without(blocked));
        before
    }

    /// Starts the reporter and the coordinator, and sets the handlers. Returns the signals that
    /// stay ignored.
    ///
    /// The coordinator comes last: once its thread has started, nothing can fail. A
    /// failure before that leaves threads, which are parked, and handlers, which do what
    /// the signal's default action does. The next try uses both.
    fn start_coordinator(
        self,
        settings: Settings,
        plan: Plan,
        signals: &SignalSets,
        installation: &mut Installation,
    ) -> Result<(Arc<Coordinator>, Vec<Signal>), InstallError> {
        let outlet = Outlet::new(self.progress, self.signals.contains(&Signal::INT));
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
    }
}
