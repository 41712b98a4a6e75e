//! Settings of a coordinator.

use std::time::Duration;

use crate::coordinator::machine::{CleanExit, WhenDone};

/// The settings of the builder.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) grace: Duration,
    pub(crate) clean_exit: CleanExit,
    pub(crate) when_done: WhenDone,
    pub(crate) failure_status: u8,
    pub(crate) max_concurrent_tasks: usize,
    /// Set if it uses the process's watchdog and triggers.
    pub(crate) is_attached: bool,
    /// The settings that the platform checks read.
    #[cfg(feature = "platform")]
    pub(crate) program: crate::platform::Program,
    /// Returns the planted faults that have not struck.
    #[cfg(feature = "fault")]
    pub(crate) missed_faults: fn() -> Vec<String>,
}
