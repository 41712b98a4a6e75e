//! Ends a process at its deadline, whatever its cleanup is stuck on, and says
//! what was stuck.
//!
//! # What it cannot do

#[cfg(not(deadstop_backend = "linux"))]
compile_error!("deadstop has no backend for this target yet; it runs on Linux");

mod cause;
mod coordinator;
mod error;
mod installation;
mod kill_path;
#[cfg(test)]
mod kill_path_tests;
mod report;
mod shutdown;
mod signal;
mod sys;
mod trigger;
mod watchdog;

pub use cause::{Cause, Sender};
pub use coordinator::{
    BoxFuture, CleanExit, OnFailure, Outcome, Phase, PhaseName, PhaseReport, Requested, Scope,
    ShutdownReport, Skip, TaskBuilder, TaskContext, TaskHandle, TaskReport, TaskResult,
};
pub use error::{InstallError, PhasesError, TaskRefused, WaitError};
pub use shutdown::{Shutdown, ShutdownBuilder, UnknownPhase};
pub use signal::Signal;
pub use sys::command::unmask_signals;
pub use trigger::Panics;
pub use watchdog::{Defences, KernelTimer, Need, Watchdog, WatchdogBuilder};
