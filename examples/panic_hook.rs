//! A panic as a trigger: the cleanup runs, and the process ends with 101.
//!
//! ```text
//! cargo run --example panic_hook            a worker panics: cleanup, then 101
//! cargo run --example panic_hook -- --hang  the cleanup hangs too: 124
//! ```
//!
//! Without deadstop, a panic in a worker ends only that thread, and the process
//! goes on without it.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::{Panics, Phase, Shutdown};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(1))
        .panics(Panics::Shutdown)
        .install()?;

    let hang = std::env::args().any(|argument| argument == "--hang");
    shutdown
        .task("return the lease")
        .phase(Phase::FLUSH)
        .on_shutdown(move |cx| {
            println!("returning the lease, because of a {}", cx.cause());
            if hang {
                thread::sleep(Duration::from_secs(3600));
            }
        })?;

    let worker = thread::Builder::new().name("worker".into());
    worker.spawn(|| {
        let batch: Result<u32, _> = "twelve".parse();
        println!("batch {}", batch.expect("batches are numbered"));
    })?;

    Ok(shutdown.wait())
}
