//! Level 2: a shutdown with tasks.

use std::process::Termination;
use std::time::Duration;

use deadstop::{Phase, Shutdown};

use crate::{GRACE, say, say_arming, spin, system};

/// Time enough to read the symbols of a program without optimization, under an emulator.
const LONG_GRACE: Duration = Duration::from_secs(3);

fn install(grace: Duration) -> Shutdown {
    let shutdown = Shutdown::builder().grace(grace).install();
    shutdown.expect("the shutdown installs")
}

fn hang_in_a_task(shutdown: &Shutdown) {
    let task = shutdown.task("flush").phase(Phase::FLUSH);
    let task = task.on_shutdown(|cx| {
        cx.progress("segment 12 of 40");
        spin()
    });
    task.expect("the task registers");
}

/// A task spins past the deadline.
pub(crate) fn hangs() {
    let shutdown = install(LONG_GRACE);
    hang_in_a_task(&shutdown);
    say_arming(LONG_GRACE);
    shutdown.finish().report();
}

/// SIGTERM, or Ctrl-C on Windows, begins the shutdown; a task spins.
pub(crate) fn is_signaled() -> ! {
    let shutdown = install(GRACE);
    hang_in_a_task(&shutdown);
    say_arming(GRACE);
    system::send_trigger();
    spin()
}

/// Every task returns.
pub(crate) fn is_clean() {
    let shutdown = install(GRACE);
    let task = shutdown.task("quick").on_shutdown(|_| {});
    task.expect("the task registers");
    let code = shutdown.finish();
    say(&format!("{code:?}"));
}
