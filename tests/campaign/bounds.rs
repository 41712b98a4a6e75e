//! Bounds on how late a victim may end.

use std::time::Duration;

use crate::load::Load;

/// How far the third line of defense is behind the second, for a grace.
fn behind(grace: Duration) -> Duration {
    (grace / 100).clamp(Duration::from_millis(25), Duration::from_millis(250))
}

/// What a process may take to go, of time that it could have used.
const TO_GO: Duration = Duration::from_millis(100);

/// Those that take longer for a reason, by how much, and what it is.
pub(crate) const LONGER: &[(&str, Duration, &str)] = &[
    (
        "core_takes_too_long",
        Duration::from_millis(1500),
        "1 GiB of memory is given back, after the page that is being written",
    ),
    (
        "memory_to_give_back",
        Duration::from_millis(250),
        "256 MiB of memory are given back",
    ),
    (
        "threads_to_end",
        Duration::from_millis(500),
        "500 threads end one by one, of which only some are looked at",
    ),
];

/// Those that would never get a processor, and what of.
pub(crate) const NOT_UNDER: &[(&str, Load, &str)] = &[(
    "installed_in_the_idle_class",
    Load::SixtyFour,
    "a thread of the idle class has its turn to end minutes later",
)];

/// The latest that a victim of `fault` may be there, counted from its deadline.
pub(crate) fn bound(fault: &str, grace: Duration) -> Duration {
    let longer = LONGER.iter().find(|(name, ..)| *name == fault);
    behind(grace) + TO_GO + longer.map_or(Duration::ZERO, |(_, by, _)| *by)
}

/// Whether `fault` can be tried under `load`.
pub(crate) fn is_tried(fault: &str, load: Load) -> bool {
    let found = NOT_UNDER
        .iter()
        .find(|(name, under, _)| *name == fault && *under == load);
    found.is_none()
}
