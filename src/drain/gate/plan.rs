//! The times at which a gate closes, and for how long its tasks wait.

use std::time::Duration;

use crate::drain::owner::Owner;
use crate::task::PhaseName;

/// The time at which a gate closes, and the wait of its tasks.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) owner: Owner,
    pub(super) phase: PhaseName,
    pub(super) budget: Option<Duration>,
    pub(super) keep_accepting: Duration,
    pub(super) streams_within: Duration,
}
