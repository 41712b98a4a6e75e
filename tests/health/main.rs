//! Heartbeats and the health server, in processes that hang. Each test executes its own binary
//! again, which runs the scenario.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    reason = "a scenario prints what happened, and ends as a program does"
)]

mod heartbeat;
#[cfg(all(feature = "crossbeam-channel", feature = "tokio"))]
mod loops;
mod server;
#[expect(dead_code, reason = "shared with the tests of the drain kit")]
#[path = "../drain/victim.rs"]
mod victim;

use std::time::{Duration, Instant};

use deadstop::Shutdown;

/// Installs a shutdown with a grace of one second, in a scenario.
fn shutdown() -> Shutdown {
    Shutdown::builder()
        .grace(Duration::from_secs(1))
        .install()
        .expect("the scenario has no watchdog yet")
}

/// Spins for `length`, without ticks.
fn spin(length: Duration) {
    let until = Instant::now() + length;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}
