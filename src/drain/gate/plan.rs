//! What a gate's builder has set.

use std::time::Duration;

use crate::drain::owner::Owner;
use crate::task::PhaseName;

/// What a gate's builder has set, for the tasks of each of its rounds.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) owner: Owner,
    /// The phase that closes the gate and waits for it.
    pub(super) phase: PhaseName,
    pub(super) budget: Option<Duration>,
    /// For how long the gate admits work after the request.
    pub(super) keep_accepting: Duration,
    /// For how long the phase waits for streams.
    pub(super) streams_within: Duration,
}
