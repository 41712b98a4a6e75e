//! The service of the deployment tests: it waits for `SIGTERM`, cleans up for half a
//! second, and ends with 0. With the argument `hang`, its cleanup never returns, and its
//! grace is three seconds.

#![expect(clippy::print_stdout, reason = "the script reads it")]

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::Shutdown;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let hangs = std::env::args().nth(1).is_some_and(|how| how == "hang");
    let grace = if hangs { 3 } else { 9 };
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(grace))
        .install()?;
    shutdown.task("clean up").on_shutdown(move |_| {
        println!("asked to stop");
        thread::sleep(Duration::from_millis(500));
        if hangs {
            loop {
                thread::park();
            }
        }
        println!("cleaned up");
    })?;
    println!("ready");
    Ok(shutdown.wait())
}
