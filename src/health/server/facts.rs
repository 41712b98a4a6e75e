//! A snapshot from which an answer is made. Its lists have the capacity for all entries, so
//! that filling them allocates nothing.

use std::time::Duration;

use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;

use super::check::Verdict;
use crate::drain::{GateNumbers, PoolNumbers};

/// The facts that answers are made from.
pub(super) struct Facts {
    pub(super) now: Nanos,
    pub(super) is_ready: bool,
    pub(super) was_ready: bool,
    /// The shutdown, once it was requested.
    pub(super) stop: Option<Stop>,
    pub(super) beats: Vec<BeatFacts>,
    pub(super) checks: Vec<CheckFacts>,
    pub(super) gates: Vec<GateNumbers>,
    pub(super) pools: Vec<PoolNumbers>,
    pub(super) phases: Vec<PhaseFacts>,
    pub(super) tasks: TaskFacts,
    pub(super) served: Served,
}

/// A shutdown that was requested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) begun: Nanos,
    pub(super) deadline: Option<Nanos>,
}

/// A heartbeat; for the metrics, all of one name: their numbers, and the rest of the one
/// that is worst off.
#[derive(Clone, Debug)]
pub(super) struct BeatFacts {
    pub(super) name: &'static str,
    pub(super) age: Duration,
    /// The longest time between two ticks; `None` while it is paused.
    pub(super) limit: Option<Duration>,
    pub(super) is_stalled: bool,
    /// `false` while a stall of it counts for liveness.
    pub(super) is_alive: bool,
    /// The number of heartbeats, and of those that are stalled.
    pub(super) watched: u32,
    pub(super) stalled: u32,
    /// The number of stalls.
    pub(super) stalls: u32,
    /// The thread that ticked last.
    pub(super) tid: i32,
    /// The key of the stall in the roster; zero if the roster does not list one.
    pub(super) listed: u64,
}

/// A check.
#[derive(Clone, Debug)]
pub(super) struct CheckFacts {
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    pub(super) reason: TextBuffer<128>,
}

/// A phase that has begun.
#[derive(Clone, Debug)]
pub(super) struct PhaseFacts {
    pub(super) name: TextBuffer<32>,
    pub(super) length: Duration,
    pub(super) is_over: bool,
}

/// Numbers of tasks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaskFacts {
    pub(super) pending: u32,
    pub(super) running: u32,
    pub(super) abandoned: u32,
}

/// Numbers of the server itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Served {
    pub(super) answered: u64,
    /// Connections that ended without an answer.
    pub(super) dropped: u64,
}

/// Centuries are what a grace without end amounts to.
pub(super) const NO_END: Duration = Duration::from_secs(1_000_000_000);

impl Facts {
    /// Makes room for as many of each as given.
    pub(super) fn with_room(beats: usize, checks: usize, listed: usize, phases: usize) -> Self {
        Self {
            now: Nanos(0),
            is_ready: false,
            was_ready: false,
            stop: None,
            beats: Vec::with_capacity(beats),
            checks: Vec::with_capacity(checks),
            gates: Vec::with_capacity(listed),
            pools: Vec::with_capacity(listed),
            phases: Vec::with_capacity(phases),
            tasks: TaskFacts::default(),
            served: Served::default(),
        }
    }

    /// Returns the phase that runs.
    pub(super) fn phase(&self) -> Option<&PhaseFacts> {
        self.phases.iter().rfind(|phase| !phase.is_over)
    }
}

/// Adds an item where there is room for it: a list that grows would allocate.
pub(super) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < list.capacity() {
        list.push(item);
    }
}
