//! Heartbeats, in processes that hang: each test starts itself again as its
//! scenario.

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

/// A shutdown whose grace is one second long, for a scenario.
fn shutdown() -> Shutdown {
    Shutdown::builder()
        .grace(Duration::from_secs(1))
        .install()
        .expect("the scenario has no watchdog yet")
}

/// Spins for `length`, as a loop does that is stuck.
fn spin(length: Duration) {
    let until = Instant::now() + length;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}
