//! The refusal of a closed gate.

use std::error::Error;
use std::fmt;

/// The gate is closed: the shutdown has reached the phase that waits for it.
///
/// The caller should refuse the work, so that its client tries elsewhere (HTTP 503,
/// gRPC `UNAVAILABLE`, a message left in its queue).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GateClosed {
    /// The name of the gate.
    pub gate: &'static str,
}

impl GateClosed {
    pub(super) const fn new(gate: &'static str) -> Self {
        Self { gate }
    }
}

impl fmt::Display for GateClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "gate {:?} is closed: the process is shutting down",
            self.gate
        )
    }
}

impl Error for GateClosed {}
