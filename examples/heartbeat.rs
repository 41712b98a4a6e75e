//! A consumer loop with a heartbeat. With the argument `stuck` the loop hangs: two seconds
//! later the shutdown begins, and three seconds after that the process ends with status
//! 124 and a report.
//!
//!     cargo run --example heartbeat --features health -- stuck

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::Shutdown;
use deadstop::health::OnStall;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let is_stuck = std::env::args().nth(1).is_some_and(|word| word == "stuck");
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(3))
        .install()?;
    let beat = shutdown
        .heartbeat("consumer loop")
        .every(Duration::from_secs(2))
        .on_stall(OnStall::Shutdown)
        .start()?;

    for message in 0..5 {
        beat.tick();
        thread::sleep(Duration::from_millis(200));
        println!("message {message} is handled");
        if is_stuck && message == 3 {
            loop {
                std::hint::spin_loop();
            }
        }
    }
    Ok(shutdown.finish())
}
