//! The threads that call the checks of the application.

use std::time::Duration;

use deadstop_core::now;

use super::check::{Call, CheckState};
use super::shared::Shared;
use crate::contain::contain;
use crate::error::InstallError;
use crate::threads;
use crate::wait::Requested;

/// Starts a thread that calls `call` once per `interval`, until the shutdown begins.
pub(super) fn start(
    shared: &'static Shared,
    state: &'static CheckState,
    mut call: Call,
    interval: Duration,
) -> Result<(), InstallError> {
    threads::spawn_deep("deadstop-check", move || {
        let requested = Requested::new(&shared.shutdown.coordinator);
        while !shared.is_retired() {
            state.begin(now());
            let result = threads::with_program_mask(|| contain(&mut call));
            state.end(&result.unwrap_or_else(|_| Err("it panicked".into())));
            if requested.wait_timeout(interval) {
                return;
            }
        }
    })
}
