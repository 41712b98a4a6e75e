//! Bounds on how late a victim may end.

use std::time::Duration;

use crate::load::Load;

/// The time from the deadline to the backup timer, for a grace.
fn backup_after(grace: Duration) -> Duration {
    (grace / 10).clamp(Duration::from_millis(25), Duration::from_millis(250))
}

/// The longest time for the kernel to release a process, without delays by the machine.
const RELEASE: Duration = Duration::from_millis(100);

/// Faults with a longer bound: by how much, and why.
pub(crate) const LONGER: &[(&str, Duration, &str)] = &[
    (
        "core_takes_too_long",
        Duration::from_millis(1500),
        "1 GiB of memory is released, after the page that is being written",
    ),
    (
        "memory_to_give_back",
        Duration::from_millis(250),
        "256 MiB of memory are released",
    ),
    (
        "threads_to_end",
        Duration::from_millis(500),
        "500 threads end one by one, of which only some are monitored",
    ),
];

/// Faults that would never get a processor under a load, and why.
pub(crate) const NOT_UNDER: &[(&str, Load, &str)] = &[(
    "installed_in_the_idle_class",
    Load::SixtyFour,
    "a thread of the idle class gets a processor only minutes later",
)];

/// Faults that set in at a moment of their own, and why the watchdog may end the process
/// before that.
pub(crate) const SETS_IN_LATE: &[(&str, &str)] = &[(
    "core_takes_too_long",
    "it crashes 200 ms before the deadline; a machine under load may hold it up for longer",
)];

/// Returns `true` if the deadline may come before `fault` sets in.
pub(crate) fn may_set_in_late(fault: &str) -> bool {
    SETS_IN_LATE.iter().any(|(name, _)| *name == fault)
}

/// Returns the longest time after its deadline for which a victim of `fault` may exist.
pub(crate) fn bound(fault: &str, grace: Duration) -> Duration {
    let longer = LONGER.iter().find(|(name, ..)| *name == fault);
    backup_after(grace) + RELEASE + longer.map_or(Duration::ZERO, |(_, by, _)| *by)
}

/// Returns `true` if `fault` runs under `load`.
pub(crate) fn is_tried(fault: &str, load: Load) -> bool {
    let found = NOT_UNDER
        .iter()
        .find(|(name, under, _)| *name == fault && *under == load);
    found.is_none()
}
