//! A snapshot from which an answer is made. Its lists have the capacity for all entries, so
//! that filling them allocates nothing.

use std::time::Duration;

use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;

use super::super::check::Verdict;
use crate::drain::{GateNumbers, PoolNumbers};

/// The facts that answers are made from.
pub(crate) struct Facts {
    pub(crate) now: Nanos,
    pub(crate) is_ready: bool,
    pub(crate) was_ready: bool,
    /// The shutdown, once it was requested.
    pub(crate) stop: Option<Stop>,
    pub(crate) beats: Vec<BeatFacts>,
    pub(crate) checks: Vec<CheckFacts>,
    pub(crate) gates: Vec<GateNumbers>,
    pub(crate) pools: Vec<PoolNumbers>,
    pub(crate) phases: Vec<PhaseFacts>,
    pub(crate) tasks: TaskFacts,
    pub(crate) served: Served,
}

/// A shutdown that was requested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) begun: Nanos,
    pub(crate) deadline: Option<Nanos>,
}

/// A heartbeat; for the metrics, all of one name: their numbers, and the rest of the one
/// that is worst off.
#[derive(Clone, Debug)]
pub(crate) struct BeatFacts {
    pub(crate) name: &'static str,
    pub(crate) age: Duration,
    /// The longest time between two ticks; `None` while it is paused.
    pub(crate) limit: Option<Duration>,
    pub(crate) is_stalled: bool,
    /// `false` while a stall of it counts for liveness.
    pub(crate) is_alive: bool,
    /// The number of heartbeats, and of those that are stalled.
    pub(crate) watched: u32,
    pub(crate) stalled: u32,
    /// The number of stalls.
    pub(crate) stalls: u32,
    /// The thread that ticked last.
    pub(crate) tid: i32,
    /// The key of the stall in the roster; zero if the roster does not list one.
    pub(crate) listed: u64,
}

/// A check.
#[derive(Clone, Debug)]
pub(crate) struct CheckFacts {
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) reason: TextBuffer<128>,
}

/// A phase that has begun.
#[derive(Clone, Debug)]
pub(crate) struct PhaseFacts {
    pub(crate) name: TextBuffer<32>,
    pub(crate) length: Duration,
    pub(crate) is_over: bool,
}

/// Numbers of tasks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TaskFacts {
    pub(crate) pending: u32,
    pub(crate) running: u32,
    pub(crate) abandoned: u32,
}

/// Numbers of the server itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Served {
    pub(crate) answered: u64,
    /// Connections that ended without an answer.
    pub(crate) dropped: u64,
}

/// Centuries are what a grace without end amounts to.
pub(crate) const NO_END: Duration = Duration::from_secs(1_000_000_000);

impl Facts {
    /// Makes room for as many of each as given.
    pub(crate) fn with_room(beats: usize, checks: usize, listed: usize, phases: usize) -> Self {
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
    pub(crate) fn phase(&self) -> Option<&PhaseFacts> {
        self.phases.iter().rfind(|phase| !phase.is_over)
    }
}

/// Adds an item where there is room for it: a list that grows would allocate.
pub(crate) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < list.capacity() {
        list.push(item);
    }
}
