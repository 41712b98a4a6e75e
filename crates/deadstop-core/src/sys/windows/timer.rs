//! The backup timer: another process, the guard, if the program has started one. No timer
//! of Windows ends a process.

use core::ffi::c_int;

use super::guard;
use crate::sys::{Nanos, Target};

impl Target {
    /// Returns `None`: there is no real-time signal.
    pub fn free_signal(_handler: extern "C" fn(c_int)) -> Option<c_int> {
        None
    }
}

/// The guard, of which a process has one.
#[derive(Debug)]
pub struct Timer;

impl Timer {
    /// Creates a value.
    pub const fn absent() -> Self {
        Self
    }

    /// Returns `true` if there is a guard.
    pub fn is_present(&self) -> bool {
        guard::is_present()
    }

    /// Succeeds if there is a guard.
    ///
    /// # Errors
    ///
    /// Otherwise `ENOSYS`: the system has no such timer.
    pub fn create(&self, target: Target) -> Result<(), c_int> {
        match target {
            Target::Process if guard::is_present() => Ok(()),
            _ => Err(libc::ENOSYS),
        }
    }

    /// Does nothing: there is no `fork`.
    pub fn reset_after_fork(&self) {}

    /// Sets when the guard ends the process. Does nothing without one.
    pub fn set(&self, at: Nanos) {
        guard::tell(at);
    }
}
