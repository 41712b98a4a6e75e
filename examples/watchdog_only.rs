//! The watchdog alone, in a program that has its own shutdown.
//!
//! ```text
//! cargo run --example watchdog_only               its own cleanup deadlocks: ends with 75
//! cargo run --example watchdog_only -- --healthy  ends with 0
//! ```

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use deadstop::Watchdog;

/// `EX_TEMPFAIL`: the supervisor may try again.
const TRY_AGAIN: u8 = 75;

fn main() -> Result<(), Box<dyn Error>> {
    let watchdog = Watchdog::builder()
        .grace(Duration::from_secs(1))
        .exit_status(TRY_AGAIN)
        .install()?;
    println!("lines of defense: {}", watchdog.protection());

    // ... the program does its work, and decides to stop ...

    // Add only this line, before anything that can hang.
    watchdog.arm();
    let left = watchdog.deadline().map(|at| at - Instant::now());
    println!("stopping; time left: {:.1?}", left.unwrap_or_default());

    clean_up(std::env::args().any(|argument| argument == "--healthy"));
    println!("stopped in time");
    Ok(())
}

fn clean_up(healthy: bool) {
    let cache = Mutex::new(0);
    let entries = cache.lock();
    if healthy {
        return;
    }
    // `entries` still holds the lock: this never returns.
    let _again = cache.lock();
    drop(entries);
}
