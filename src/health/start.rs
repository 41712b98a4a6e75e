//! Starts the threads, once per process.

use std::io;
use std::thread;

use super::state::State;
use super::{driver, stalls};
use crate::error::InstallError;
use crate::process::{Claim, Claimed};
use crate::sys::published::Published;
use crate::{Shutdown, threads};

/// The state of this process, or of the parent in a child of `fork`.
static STATE: Published<State> = Published::nothing();

static STARTING: Claim = Claim::free();

/// The right to start something. Another thread that starts something waits for it.
pub(super) struct Starting {
    pub(super) state: &'static State,
    _claim: Claimed<'static>,
}

/// Returns the state of this process, with its threads started.
///
/// # Errors
///
/// Fails if the system refuses a thread.
pub(super) fn begin(shutdown: &Shutdown) -> io::Result<Starting> {
    let claim = loop {
        match STARTING.take() {
            Some(claim) => break claim,
            None => thread::yield_now(),
        }
    };
    let state = match current() {
        Some(state) => state,
        None => start(shutdown)?,
    };
    Ok(Starting {
        state,
        _claim: claim,
    })
}

/// Returns the state of this process, if there was a heartbeat. Waits for no other thread.
pub(super) fn current() -> Option<&'static State> {
    STATE.get().filter(|state| state.is_own())
}

fn start(shutdown: &Shutdown) -> io::Result<&'static State> {
    STATE.replace(Box::new(State::new(shutdown.clone())));
    let state = STATE.get().ok_or(io::ErrorKind::Other)?;
    match start_threads(state) {
        Ok(()) => Ok(state),
        Err(error) => {
            STATE.clear();
            Err(error)
        }
    }
}

fn start_threads(state: &'static State) -> io::Result<()> {
    // If the second fails, the first waits for findings that never come.
    threads::spawn_deep("deadstop-stalls", move || stalls::run(state)).map_err(into_io)?;
    threads::spawn_of("deadstop-health", driver::STACK, move || {
        driver::Driver::new(state).run();
    })
    .map_err(into_io)
}

pub(super) fn into_io(error: InstallError) -> io::Error {
    match error {
        InstallError::Thread { source, .. } => source,
        error => io::Error::other(error),
    }
}
