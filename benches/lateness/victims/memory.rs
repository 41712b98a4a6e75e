//! deadstop in a process with much memory, which is to begin to go at its
//! deadline, or to be gone by then.

use std::time::Duration;

use deadstop::Watchdog;
use deadstop::protection::Teardown;

use super::deadstop::arm_watchdog;
use super::stage::Stage;
use crate::conditions;

pub(crate) fn begins_at_deadline(stage: &Stage) -> ! {
    end(stage, None)
}

/// By the constants that the library has.
pub(crate) fn gone_by(stage: &Stage) -> ! {
    end(stage, Some(Teardown::new()))
}

/// By those that were measured here, just before.
pub(crate) fn gone_by_as_calibrated(stage: &Stage) -> ! {
    let words = stage.page.teardown.each_ref();
    let [process, gibibyte, huge_gibibyte, thread, descriptor] =
        words.map(|word| Duration::from_nanos(word.get().unwrap_or(0)));
    let teardown = Teardown::new()
        .process(process)
        .gibibyte(gibibyte)
        .huge_gibibyte(huge_gibibyte)
        .thread(thread)
        .descriptor(descriptor);
    end(stage, Some(teardown))
}

fn end(stage: &Stage, teardown: Option<Teardown>) -> ! {
    stage.drop_privileges();
    let mut builder = Watchdog::builder().grace(stage.grace());
    if let Some(teardown) = teardown {
        builder = builder.gone_by(true).teardown(teardown);
    }
    let watchdog = builder.install().unwrap();
    stage.ender("deadstop-watch");
    stage.load();
    arm_watchdog(stage, &watchdog, Duration::ZERO);
    conditions::park()
}
