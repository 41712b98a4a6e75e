//! Tests of the drain kit in real processes. Each test starts itself again to run its scenario.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    reason = "a scenario prints what happened, and ends as a program does"
)]

mod child;
#[cfg(target_os = "linux")]
mod child_end;
mod detached;
mod fork;
mod gate;
mod gate_fork;
#[cfg(all(feature = "tokio", feature = "tower"))]
mod http;
mod last;
mod logger;
#[path = "../harness/memory_limit.rs"]
mod memory_limit;
mod pool;
mod resource;
mod threads;
mod victim;
mod wake;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::{Cause, Phase, Shutdown};

/// Installs a shutdown with a grace of `seconds`, for a scenario.
fn shutdown(seconds: u64) -> Shutdown {
    Shutdown::builder()
        .grace(Duration::from_secs(seconds))
        .install()
        .expect("the scenario has no watchdog yet")
}

/// Ends the scenario as a program does whose work is done.
fn finish(shutdown: &Shutdown) -> ! {
    shutdown.request(Cause::Finished);
    shutdown.wait_and_exit()
}

/// Waits for the end of the shutdown, and exits with its status.
fn wait(shutdown: &Shutdown) -> ! {
    println!("ready");
    shutdown.wait_and_exit()
}

/// Blocks for ever.
fn hang() -> ! {
    loop {
        thread::park();
    }
}

/// Registers a task of the last phase that hangs, so that the process lives until its deadline.
fn hang_in_the_last_phase(shutdown: &Shutdown) {
    let last = shutdown.task("last").phase(Phase::CLOSE);
    last.on_shutdown(|_| -> () { hang() })
        .expect("it is accepted");
}

/// Asserts that the first screens of two reports name `task` and have `text`: the report of the
/// task's abandonment, and that of the deadline.
#[track_caller]
fn assert_named_after_its_budget(ended: &victim::Ended, task: &str, text: &str) {
    for report in ["deadstop: task abandoned, ", "deadstop: deadline in "] {
        ended.assert_says(report);
        let (_, text_after) = ended.stderr.split_once(report).expect("it is written");
        let screen = text_after.split("deadstop: details:").next();
        let screen = screen.unwrap_or_default();
        assert!(
            screen.contains(task) && screen.contains(text),
            "{report}: {ended:#?}"
        );
    }
}

/// `ExitCode` cannot be read as a number, so its `Debug` text is compared.
fn succeeded(code: ExitCode) -> bool {
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

/// A value that panics when it is dropped: the payload of a panic, or a capture of a job.
struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("again");
    }
}
