//! Heartbeats.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use deadstop::health::{Heartbeat, HeartbeatError, OnStall};

use crate::error::{DEADSTOP_ERROR_SYSTEM, DEADSTOP_OK, Failure, guarded, in_words};
use crate::state;
use crate::text;

/// A report is written.
pub const DEADSTOP_ON_STALL_REPORT: c_int = 0;
/// A report is written, and the shutdown begins.
pub const DEADSTOP_ON_STALL_SHUTDOWN: c_int = 1;

/// A sign of life that a loop gives periodically.
pub struct HeartbeatHandle(Heartbeat);

/// Starts a heartbeat: from now on, deadstop_heartbeat_tick() must be called at least every
/// `every_ms` milliseconds (10 or more), or `on_stall` happens. A process may have 64 at a time.
///
/// # Safety
///
/// `name` must end with a null byte, and `heartbeat` be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_heartbeat_start(
    name: *const c_char,
    every_ms: u64,
    on_stall: c_int,
    heartbeat: *mut *mut HeartbeatHandle,
) -> c_int {
    guarded(|| {
        let installed = state::required()?;
        // SAFETY: the caller's contract.
        let name = unsafe { text::required(name, "name") }?;
        // SAFETY: the caller's contract.
        let Some(place) = (unsafe { heartbeat.as_mut() }) else {
            return Err(Failure::argument("`heartbeat` is null"));
        };
        let on_stall = match on_stall {
            DEADSTOP_ON_STALL_REPORT => OnStall::Report,
            DEADSTOP_ON_STALL_SHUTDOWN => OnStall::Shutdown,
            other => {
                return Err(Failure::argument(format!(
                    "`on_stall` is {other}; allowed is {DEADSTOP_ON_STALL_REPORT} or \
                     {DEADSTOP_ON_STALL_SHUTDOWN}"
                )));
            }
        };
        let started = installed
            .shutdown
            .heartbeat(name)
            .every(Duration::from_millis(every_ms))
            .on_stall(on_stall)
            .start()?;
        *place = Box::into_raw(Box::new(HeartbeatHandle(started)));
        Ok(DEADSTOP_OK)
    })
}

impl From<HeartbeatError> for Failure {
    fn from(error: HeartbeatError) -> Self {
        match error {
            HeartbeatError::Forked => Self::forked(),
            HeartbeatError::Watcher(_) => Self::new(DEADSTOP_ERROR_SYSTEM, in_words(&error)),
            _ => Self::argument(in_words(&error)),
        }
    }
}

/// Gives a sign of life: one store. Null is allowed, and does nothing.
///
/// Async-signal-safe.
///
/// # Safety
///
/// `heartbeat` must be null, or a handle that was not stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_heartbeat_tick(heartbeat: *const HeartbeatHandle) {
    // SAFETY: the caller's contract.
    if let Some(heartbeat) = unsafe { heartbeat.as_ref() } {
        heartbeat.0.tick();
    }
}

/// Stops the heartbeat and frees its handle. Null is allowed.
///
/// # Safety
///
/// `heartbeat` must be null, or a handle that was not stopped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_heartbeat_stop(heartbeat: *mut HeartbeatHandle) {
    if !heartbeat.is_null() {
        // SAFETY: made by `Box::into_raw`, and not freed before.
        drop(unsafe { Box::from_raw(heartbeat) });
    }
}
