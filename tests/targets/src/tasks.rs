//! Level 2: a shutdown with tasks.

use std::process::Termination;
use std::time::Duration;

use deadstop::{Phase, Shutdown};

use crate::watchdog::BACKUP_AFTER;
use crate::{say, say_arming, spin, system};

/// Time enough to read the symbols of a program without optimization, under an emulator.
const GRACE: Duration = Duration::from_secs(8);

fn install() -> Shutdown {
    let builder = Shutdown::builder().grace(GRACE);
    let shutdown = builder.backup_after(BACKUP_AFTER).install();
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
    let shutdown = install();
    hang_in_a_task(&shutdown);
    say_arming(GRACE);
    shutdown.finish().report();
}

/// SIGTERM, or Ctrl-C on Windows, begins the shutdown; a task spins.
pub(crate) fn is_signaled() -> ! {
    let shutdown = install();
    hang_in_a_task(&shutdown);
    say_arming(GRACE);
    system::send_trigger();
    spin()
}

/// Every task returns.
pub(crate) fn is_clean() {
    let shutdown = install();
    let task = shutdown.task("quick").on_shutdown(|_| {});
    task.expect("the task registers");
    let code = shutdown.finish();
    say(&format!("{code:?}"));
}
