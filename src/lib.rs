//! Ends a process at its deadline, whatever its cleanup is stuck on, and says
//! what was stuck.
//!
//! # What it cannot do

#[cfg(not(deadstop_backend = "linux"))]
compile_error!("deadstop has no backend for this target yet; it runs on Linux");

mod error;
mod installation;
mod kill_path;
mod sys;
mod watchdog;

pub use error::InstallError;
pub use watchdog::{Defences, KernelTimer, Need, Watchdog, WatchdogBuilder};
