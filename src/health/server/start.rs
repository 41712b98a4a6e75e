//! Starts the server and its checks, once per process.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::check::{Call, CheckState};
use super::check_threads;
use super::error::HealthError;
use super::handle::Health;
use super::listen::{self, Listening};
use super::serve::Server;
use super::shared::Shared;
use crate::Shutdown;
use crate::error::InstallError;
use crate::process::Claim;
use crate::sys::published::Published;
use crate::threads;

/// Bytes of the server's stack.
const STACK: usize = 128 * 1024;

/// The server of this process, or of the parent in a child of `fork`.
static SHARED: Published<Shared> = Published::nothing();

static STARTING: Claim = Claim::free();

/// A check, and the code of the application that it calls.
pub(super) struct Check {
    pub(super) state: CheckState,
    pub(super) call: Call,
}

/// The settings of a server.
pub(super) struct Plan {
    pub(super) shutdown: Shutdown,
    pub(super) listening: Vec<Listening>,
    pub(super) checks: Vec<Check>,
    pub(super) check_interval: Duration,
    pub(super) seen_after: u32,
}

/// Returns `true` if this process has a server.
pub(super) fn is_started() -> bool {
    SHARED.get().is_some_and(Shared::is_own)
}

pub(super) fn start(plan: Plan) -> Result<Health, HealthError> {
    // A thread that starts another server at this moment will succeed.
    let Some(_claim) = STARTING.take() else {
        return Err(HealthError::AlreadyStarted);
    };
    if is_started() {
        return Err(HealthError::AlreadyStarted);
    }
    let (states, calls): (Vec<_>, Vec<_>) = plan
        .checks
        .into_iter()
        .map(|check| (check.state, check.call))
        .unzip();
    let addresses = plan.listening.iter().filter_map(|one| one.address);
    let addresses: Vec<SocketAddr> = addresses.collect();
    listen::close_in_children(&plan.listening).map_err(HealthError::Thread)?;
    SHARED.replace(Box::new(Shared::new(plan.shutdown, states)));
    let Some(shared) = SHARED.get() else {
        return Err(HealthError::Thread(io::ErrorKind::Other.into()));
    };
    let started = start_threads(
        shared,
        calls,
        plan.check_interval,
        plan.listening,
        plan.seen_after,
    );
    if let Err(error) = started {
        SHARED.clear();
        shared.retire();
        return Err(HealthError::Thread(into_io(error)));
    }
    Ok(Health {
        shared,
        addresses: addresses.leak(),
    })
}

fn start_threads(
    shared: &'static Shared,
    calls: Vec<Call>,
    interval: Duration,
    listeners: Vec<Listening>,
    seen_after: u32,
) -> Result<(), InstallError> {
    for (state, call) in shared.checks.iter().zip(calls) {
        check_threads::start(shared, state, call, interval)?;
    }
    let server = Server::new(shared, listeners, seen_after);
    threads::spawn_of("deadstop-http", STACK, move || server.run())?;
    // From here on, it does without whatever the application may break.
    shared.wait_serving();
    Ok(())
}

fn into_io(error: InstallError) -> io::Error {
    match error {
        InstallError::Thread { source, .. } => source,
        error => io::Error::other(error),
    }
}
