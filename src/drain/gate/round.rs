//! From one opening of a gate to the next.
//!
//! ```text
//! open ──close──▶ closing ──empty, or abandoned──▶ drained      reopen: a new round
//! ```
//!
//! A task that is abandoned may come back after the gate was opened again. It knows its
//! round, and changes nothing in a later one.

use std::sync::Arc;

use crate::drain::latch::Latch;

/// The state that the handles of one round wait for.
#[derive(Default)]
pub(super) struct Round {
    closing: Latch,
    pub(super) drained: Latch,
}

impl Round {
    /// Asks streams and servers to end.
    pub(super) fn begin_closing(&self) {
        self.closing.set();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_set()
    }
}

/// The beginning of a round's end.
pub(super) struct ClosingOf(pub(super) Arc<Round>);

impl AsRef<Latch> for ClosingOf {
    fn as_ref(&self) -> &Latch {
        &self.0.closing
    }
}

/// The end of a round.
pub(super) struct DrainedOf(pub(super) Arc<Round>);

impl AsRef<Latch> for DrainedOf {
    fn as_ref(&self) -> &Latch {
        &self.0.drained
    }
}
