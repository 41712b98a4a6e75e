//! deadstop, both levels of it.

use std::time::Duration;

use deadstop::{Cause, Shutdown, Watchdog};

use super::stage::{self, Stage};
use crate::conditions;

/// How long after the deadline the kernel timer expires.
const BEHIND: Duration = Duration::from_millis(25);

/// From a signal to the deadline: no program should come near it.
const FAR: Duration = Duration::from_secs(60);

/// The watchdog alone, with the privilege to be a real-time thread.
pub(crate) fn as_root(stage: &Stage) -> ! {
    let (watchdog, bystander) = (install(stage), stage.bystander());
    stage.load();
    arm_watchdog(stage, &watchdog, Duration::ZERO);
    stage.blocking_cleanup(bystander)
}

/// The watchdog alone, without.
pub(crate) fn unprivileged(stage: &Stage) -> ! {
    stage.drop_privileges();
    as_root(stage)
}

/// A stopped process: no thread of it runs, and the kernel timer ends it.
pub(crate) fn line_3_alone(stage: &Stage) -> ! {
    stage.drop_privileges();
    let watchdog = install(stage);
    // It is not the one that will.
    stage.page.ender.set(0);
    stage.load();
    arm_watchdog(stage, &watchdog, BEHIND);
    stage.stop()
}

/// A shutdown with a task in it that never returns.
pub(crate) fn coordinated(stage: &Stage) -> ! {
    stage.drop_privileges();
    let shutdown = Shutdown::builder()
        .grace(stage.grace())
        .signals([])
        .install()
        .unwrap();
    let bystander = stage.bystander();
    let workers = bystander.as_ref().map(|runtime| runtime.handle().clone());
    let task = shutdown.task("clean up").on_shutdown(move |_| {
        if let Some(workers) = &workers {
            conditions::block_workers(workers);
        }
        conditions::park();
    });
    let _task = task.unwrap();
    stage.ender("deadstop-watch");
    stage.load();
    stage.begin();
    shutdown.request(Cause::requested("lateness"));
    say_deadline(stage, shutdown.watchdog(), Duration::ZERO);
    shutdown.wait_and_exit()
}

/// Waits for the signal. The clock is read in the handler, and the deadline is
/// that reading and the grace: so the handler's reading follows from it at any
/// later time.
pub(crate) fn arm(stage: &Stage) -> ! {
    let shutdown = Shutdown::builder().grace(FAR).install().unwrap();
    let (page, watchdog) = (stage.page, shutdown.watchdog().clone());
    let task = shutdown.task("note").on_shutdown(move |_| {
        let deadline = stage::nanos(watchdog.deadline().unwrap());
        page.armed.set(deadline - FAR.as_nanos() as u64);
        conditions::park();
    });
    let _task = task.unwrap();
    stage.load();
    stage.begin();
    shutdown.wait_and_exit()
}

fn install(stage: &Stage) -> Watchdog {
    let watchdog = Watchdog::builder().grace(stage.grace()).install().unwrap();
    stage.ender("deadstop-watch");
    watchdog
}

pub(super) fn arm_watchdog(stage: &Stage, watchdog: &Watchdog, behind: Duration) {
    stage.begin();
    watchdog.arm();
    say_deadline(stage, watchdog, behind);
}

/// The deadline itself, in place of a reading of the clock from just before it
/// was set.
pub(super) fn say_deadline(stage: &Stage, watchdog: &Watchdog, behind: Duration) {
    let deadline = stage::nanos(watchdog.deadline().unwrap());
    stage.page.deadline.set(deadline + behind.as_nanos() as u64);
}
