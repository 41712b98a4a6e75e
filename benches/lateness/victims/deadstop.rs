//! deadstop: the watchdog alone, and the coordinated shutdown.

use std::time::Duration;

use deadstop::{Cause, Shutdown, Watchdog};

use super::setup::{self, Setup};
use crate::conditions;

/// The time from the deadline to the kernel timer's expiry.
const BEHIND: Duration = Duration::from_millis(25);

/// The time from a signal to the deadline. Every program of this bench ends long before.
const FAR: Duration = Duration::from_secs(60);

/// The watchdog alone, with the privilege to be a real-time thread.
pub(crate) fn as_root(setup: &Setup) -> ! {
    let (watchdog, bystander) = (install(setup), setup.bystander());
    setup.load();
    arm_watchdog(setup, &watchdog, Duration::ZERO);
    setup.blocking_cleanup(bystander)
}

/// The watchdog alone, without.
pub(crate) fn unprivileged(setup: &Setup) -> ! {
    setup.drop_privileges();
    as_root(setup)
}

/// A stopped process: no thread of it runs, and the kernel timer ends it.
pub(crate) fn backup_timer_alone(setup: &Setup) -> ! {
    setup.drop_privileges();
    let watchdog = install(setup);
    // That thread will not end this process.
    setup.page.ender.set(0);
    setup.load();
    arm_watchdog(setup, &watchdog, BEHIND);
    setup.stop()
}

/// A shutdown with a task that never returns.
pub(crate) fn coordinated(setup: &Setup) -> ! {
    setup.drop_privileges();
    let shutdown = Shutdown::builder()
        .grace(setup.grace())
        .signals([])
        .install()
        .unwrap();
    let bystander = setup.bystander();
    let workers = bystander.as_ref().map(|runtime| runtime.handle().clone());
    let task = shutdown.task("clean up").on_shutdown(move |_| {
        if let Some(workers) = &workers {
            conditions::block_workers(workers);
        }
        conditions::park();
    });
    let _task = task.unwrap();
    request(setup, &shutdown)
}

/// Requests the shutdown under load, and waits for its end.
pub(super) fn request(setup: &Setup, shutdown: &Shutdown) -> ! {
    setup.ender("deadstop-watch");
    setup.load();
    setup.begin();
    shutdown.request(Cause::requested("lateness"));
    say_deadline(setup, shutdown.watchdog(), Duration::ZERO);
    shutdown.wait_and_exit()
}

/// Waits for the signal. The handler reads the clock, and the deadline is that reading plus the
/// grace: so the reading follows from the deadline at any later time.
pub(crate) fn arm(setup: &Setup) -> ! {
    let shutdown = Shutdown::builder().grace(FAR).install().unwrap();
    let (page, watchdog) = (setup.page, shutdown.watchdog().clone());
    let task = shutdown.task("note").on_shutdown(move |_| {
        let deadline = setup::nanos(watchdog.deadline().unwrap());
        page.armed.set(deadline - FAR.as_nanos() as u64);
        conditions::park();
    });
    let _task = task.unwrap();
    setup.load();
    setup.begin();
    shutdown.wait_and_exit()
}

fn install(setup: &Setup) -> Watchdog {
    let watchdog = Watchdog::builder().grace(setup.grace()).install().unwrap();
    setup.ender("deadstop-watch");
    watchdog
}

pub(super) fn arm_watchdog(setup: &Setup, watchdog: &Watchdog, behind: Duration) {
    setup.begin();
    watchdog.arm();
    say_deadline(setup, watchdog, behind);
}

/// Stores the deadline itself, in place of the estimate from just before it was set.
fn say_deadline(setup: &Setup, watchdog: &Watchdog, behind: Duration) {
    let deadline = setup::nanos(watchdog.deadline().unwrap());
    setup.page.deadline.set(deadline + behind.as_nanos() as u64);
}
