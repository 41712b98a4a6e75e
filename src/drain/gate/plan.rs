//! The times at which a gate closes, and for how long its tasks wait.

use std::time::Duration;

use crate::drain::owner::Owner;
use crate::task::PhaseName;

/// When a gate closes, and for how long its tasks wait.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) owner: Owner,
    pub(super) phase: PhaseName,
    pub(super) budget: Option<Duration>,
    pub(super) keep_accepting: Duration,
    pub(super) streams_within: Duration,
}
