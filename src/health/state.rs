//! State shared by the handles and `deadstop-health`.
//!
//! # Orderings
//!
//! A handle stores a limit and then loads `next_round`; the watcher stores [`Nanos::LAST`] in
//! `next_round` and then loads the limits. Between the two each has a `SeqCst` fence, so the
//! watcher's round sees the limit, or the handle sees that a round is under way, and wakes the
//! watcher for another. The time that the round found is stored last.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::time::Duration;

use deadstop_core::{EventCount, Nanos, now};

use super::beats::Beats;
use super::watch::period;
use crate::process::WATCH;
use crate::{Shutdown, process};

/// The state that the handles and `deadstop-health` share. Never freed.
pub(super) struct State {
    pub(super) shutdown: Shutdown,
    pub(super) beats: Beats,
    /// Advanced by each finding about a heartbeat.
    pub(super) findings: EventCount,
    /// Advanced to wake `deadstop-health`. It is no descriptor: a program that closes all of
    /// them, or gives their numbers to other files, does not reach it.
    pub(super) changes: EventCount,
    /// The time of the watcher's next round; [`Nanos::LAST`] during a round, and if none is due.
    next_round: AtomicU64,
    /// Stands for the process; a child of `fork` has another.
    generation: AtomicU32,
}

impl State {
    pub(super) fn new(shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            beats: Beats::new(),
            findings: EventCount::new(),
            changes: EventCount::new(),
            next_round: AtomicU64::new(Nanos::LAST.0),
            generation: AtomicU32::new(process::generation()),
        }
    }

    /// Returns `true` in the process that made the state, `false` in a child of `fork`.
    pub(super) fn is_own(&self) -> bool {
        WATCH.is_owner() && self.generation.load(Ordering::Relaxed) == process::generation()
    }

    /// Notes that a round of the watcher begins.
    pub(super) fn begin_round(&self) {
        self.next_round.store(Nanos::LAST.0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Notes when the next round is due.
    pub(super) fn end_round(&self, due: Option<Nanos>) {
        let due = due.unwrap_or(Nanos::LAST);
        self.next_round.store(due.0, Ordering::Relaxed);
    }

    /// Wakes the watcher if its next round is too late for a heartbeat whose limit is `limit`
    /// from now on: rounds are rare while all heartbeats are paused, or have long sections.
    pub(super) fn hasten(&self, limit: Option<Duration>) {
        let Some(limit) = limit else { return };
        fence(Ordering::SeqCst);
        let next = Nanos(self.next_round.load(Ordering::Relaxed));
        if now().saturating_add(period(limit)) < next {
            self.wake();
        }
    }

    /// Wakes `deadstop-health`.
    pub(super) fn wake(&self) {
        self.changes.advance();
    }
}
