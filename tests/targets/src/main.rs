//! Small programs on top of deadstop, for `.ci/targets` to run on other systems.
//!
//! ```text
//! deadstop-targets CASE
//! ```
//!
//! The status at the deadline is 124. A case prints `arming NANOS GRACE`, the clock's reading
//! and the grace in nanoseconds, just before it arms: the process must not end sooner than
//! a grace later.

#[cfg(all(windows, feature = "shutdown"))]
mod service;
mod system;
#[cfg(feature = "shutdown")]
mod tasks;
mod threads;
mod watchdog;

use std::io::Write;
use std::time::Duration;

fn main() {
    let case = std::env::args().nth(1).unwrap_or_default();
    system::start_guard(&case);
    match case.as_str() {
        "level" => say(if cfg!(feature = "shutdown") {
            "level 2"
        } else {
            "level 1"
        }),
        "clock" => say(&format!("clock {}", deadstop_core::now().0)),
        "threads" => threads::lists(),
        "watchdog" => watchdog::spins(),
        "timer" => watchdog::is_stopped(),
        "fork" => watchdog::forks(),
        "signal" => watchdog::is_signaled(),
        "returns" => watchdog::returns(),
        "detach" | "detach-unguarded" => watchdog::hangs_in_a_library(),
        #[cfg(all(windows, feature = "shutdown"))]
        "service" | "service-unheard" => service::run(&case),
        #[cfg(feature = "shutdown")]
        "task" => tasks::hangs(),
        #[cfg(feature = "shutdown")]
        "request" => tasks::is_signaled(),
        #[cfg(feature = "shutdown")]
        "clean" => tasks::is_clean(),
        _ => {
            say("no such case");
            std::process::exit(2);
        }
    }
}

/// Prints a line at once.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Prints the clock's reading.
fn say_arming(grace: Duration) {
    let now = deadstop_core::now().0;
    say(&format!("arming {now} {}", grace.as_nanos()));
}

#[inline(never)]
fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}
