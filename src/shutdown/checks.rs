//! Checks what a builder has set, before anything is changed.

use std::mem;

use super::builder::ShutdownBuilder;
use crate::coordinator::Plan;
use crate::error::InstallError;
use crate::signal::Signal;
use crate::trigger;
use deadstop_core::sys::SignalSet;

/// The signals of a builder.
pub(super) struct SignalSets {
    pub(super) triggers: SignalSet,
    /// Triggers that the application hands over.
    pub(super) forwarded: SignalSet,
    pub(super) status: SignalSet,
}

impl SignalSets {
    /// Returns those that get a handler.
    pub(super) fn handled(&self) -> SignalSet {
        self.triggers.union(self.status)
    }
}

impl ShutdownBuilder {
    /// Returns the signals as sets, or an error for one that cannot be used.
    pub(super) fn check_signals(&self) -> Result<SignalSets, InstallError> {
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
    pub(super) fn check_limits(&self) -> Result<(), InstallError> {
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

    /// Puts the phases in their order, or returns an error for what cannot be.
    pub(super) fn arrange_phases(&mut self) -> Result<Plan, InstallError> {
        let phases = mem::take(&mut self.phases);
        (self.plan)(phases, self.watchdog.grace).map_err(InstallError::Phases)
    }
}
