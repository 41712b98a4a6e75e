//! Tests of the health server over real sockets.

mod answers;
mod hand_over;
mod hostile;
mod listeners;
mod metrics;
mod probe;
mod requests;
mod shutdown;
#[cfg(feature = "serde")]
mod stalls;
mod stuck;

use deadstop::Shutdown;
use deadstop::health::{Health, HealthBuilder};

/// Starts a server on a free port and prints its address, for a scenario.
fn serve(shutdown: &Shutdown, describe: impl FnOnce(HealthBuilder) -> HealthBuilder) -> Health {
    let health = describe(shutdown.health().bind("127.0.0.1:0"));
    let health = health.start().expect("there is no other server");
    println!("address {}", health.addresses()[0]);
    health
}

/// Blocks the scenario's main thread until the test kills the process.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}
