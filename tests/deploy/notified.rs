//! The service of the test under systemd.
//!
//! ```text
//! deploy_notified HOW      HOW: stop[-silent] | stall[-silent] FILE | hang
//! ```
//!
//! - `stop`: cleanup takes five seconds, and the grace twenty.
//! - `stall`: a heartbeat stalls; in a second run, which finds the file, it does not.
//! - `hang`: it stops by itself, and its cleanup hangs until the deadline, after a second.
//! - `-silent`: the same without notifications, as the control.

#![expect(clippy::print_stdout, reason = "the script reads it")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::report::Sinks;
use deadstop::{Phase, Shutdown};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let how = arguments.next().ok_or("no way to stop")?;
    let grace = if how == "hang" { 1 } else { 20 };
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(grace))
        .systemd_notifications(!how.ends_with("-silent"))
        .sinks(Sinks::new().log(false))
        .install()?;
    shutdown
        .task("upload")
        .phase(Phase::FLUSH)
        .on_shutdown(|_| {
            thread::sleep(Duration::from_secs(5));
            println!("cleaned up");
        })?;
    if how == "hang" {
        return Ok(shutdown.finish());
    }
    if how.starts_with("stall") {
        let file = arguments.next().ok_or("no file")?;
        return stall(&shutdown, Path::new(&file));
    }
    shutdown.set_ready();
    Ok(shutdown.wait())
}

fn stall(shutdown: &Shutdown, file: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let beat = shutdown
        .heartbeat("consumer loop")
        .every(Duration::from_millis(300))
        .start()?;
    shutdown.set_ready();
    let is_second = file.exists();
    fs::write(file, "")?;
    if !is_second {
        println!("stalls");
        loop {
            thread::park();
        }
    }
    println!("the second run");
    while !shutdown.requested().wait_timeout(Duration::from_millis(50)) {
        beat.tick();
    }
    Ok(shutdown.wait())
}
