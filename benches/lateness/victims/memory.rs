//! deadstop in a process with much memory, which exits at its deadline, or early.

use std::time::Duration;

use deadstop::Watchdog;
use deadstop::protection::Teardown;

use super::deadstop::arm_watchdog;
use super::setup::Setup;
use crate::conditions;

pub(crate) fn begins_at_deadline(setup: &Setup) -> ! {
    end(setup, None)
}

/// With the library's own constants.
pub(crate) fn exit_early(setup: &Setup) -> ! {
    end(setup, Some(Teardown::new()))
}

/// With the constants that the bench has just measured.
pub(crate) fn exit_early_as_calibrated(setup: &Setup) -> ! {
    let words = setup.page.teardown.each_ref();
    let [process, gibibyte, huge_gibibyte, thread, descriptor] =
        words.map(|word| Duration::from_nanos(word.get().unwrap_or(0)));
    let teardown = Teardown::new()
        .process(process)
        .gibibyte(gibibyte)
        .huge_gibibyte(huge_gibibyte)
        .thread(thread)
        .descriptor(descriptor);
    end(setup, Some(teardown))
}

fn end(setup: &Setup, teardown: Option<Teardown>) -> ! {
    setup.drop_privileges();
    let mut builder = Watchdog::builder().grace(setup.grace());
    if let Some(teardown) = teardown {
        builder = builder.exit_early(true).teardown(teardown);
    }
    let watchdog = builder.install().unwrap();
    setup.ender("deadstop-watch");
    setup.load();
    arm_watchdog(setup, &watchdog, Duration::ZERO);
    conditions::park()
}
