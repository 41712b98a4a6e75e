//! The numbers of each gate, for the metrics.

use std::sync::atomic::Ordering;

use super::state::State;
use crate::drain::listed::List;

/// The gates of this process.
static GATES: List<State> = List::empty();

/// The numbers of a gate at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GateNumbers {
    pub(crate) name: &'static str,
    pub(crate) in_flight: u64,
    pub(crate) streams: u64,
    pub(crate) refused: u64,
    pub(crate) is_closed: bool,
}

/// Lists a gate that was opened.
pub(super) fn list(state: &'static State) {
    GATES.add(state);
}

/// Returns the numbers of each gate. Allocates nothing and waits for no other thread.
pub(crate) fn gates() -> impl Iterator<Item = GateNumbers> {
    GATES.iter().map(|state| GateNumbers {
        name: &state.name,
        in_flight: state.requests.entries(),
        streams: state.streams.entries(),
        refused: state.refused.load(Ordering::Relaxed),
        is_closed: state.requests.is_closed(),
    })
}
