//! The backup timer of a system whose kernel ends no process by a timer.

use core::ffi::c_int;

use crate::sys::{Nanos, Target};

impl Target {
    /// Returns `None`: there is no real-time signal.
    pub fn free_signal(_handler: extern "C" fn(c_int)) -> Option<c_int> {
        None
    }
}

/// No timer.
#[derive(Debug)]
pub struct Timer;

impl Timer {
    /// Creates a value without a timer.
    pub const fn absent() -> Self {
        Self
    }

    /// Returns `false`.
    pub fn is_present(&self) -> bool {
        false
    }

    /// Fails.
    ///
    /// # Errors
    ///
    /// Always with `ENOSYS`: the system has no such timer.
    pub fn create(&self, _target: Target) -> Result<(), c_int> {
        Err(libc::ENOSYS)
    }

    /// Does nothing.
    pub fn reset_after_fork(&self) {}

    /// Does nothing.
    pub fn set(&self, _at: Nanos) {}
}
