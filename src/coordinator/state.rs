//! How far a task is.
//!
//! ```text
//!             ┌─▶ CANCELLED        whoever cancels
//! WAITING ────┼─▶ SKIPPED          the coordinator: no time, no thread
//!             └─▶ RUNNING ─┬─▶ ENDED       its own thread
//!                          └─▶ ABANDONED   the coordinator: over budget
//! ```
//!
//! Each arrow is one compare-exchange, so that of a thread that starts a task
//! and one that cancels it exactly one succeeds, without a lock.
//!
//! # Orderings
//!
//! The exchanges are `AcqRel`: who wins one sees what was done before the one
//! that led there. [`is_waiting`](State::is_waiting) is an exchange too: of a
//! coordinator that gives a task its channel and then asks, and a thread that
//! cancels and then looks for the channel, at least one sees the other.

use crate::sync::atomic::{AtomicU8, Ordering};

const WAITING: u8 = 0;
const RUNNING: u8 = 1;
const ENDED: u8 = 2;
const ABANDONED: u8 = 3;
const CANCELLED: u8 = 4;
const SKIPPED: u8 = 5;

/// How far a task is.
pub(super) struct State(AtomicU8);

impl State {
    pub(super) fn waiting() -> Self {
        Self(AtomicU8::new(WAITING))
    }

    /// Whether it still waits. Whoever cancels it after this sees what was done
    /// before.
    pub(super) fn is_waiting(&self) -> bool {
        self.change(WAITING, WAITING)
    }

    /// It runs from here on. False if it is not to.
    pub(super) fn start(&self) -> bool {
        self.change(WAITING, RUNNING)
    }

    /// It has returned. False if nobody waits for it any more.
    pub(super) fn end(&self) -> bool {
        self.change(RUNNING, ENDED)
    }

    /// Nobody waits for it any more. False if it does not run.
    pub(super) fn abandon(&self) -> bool {
        self.change(RUNNING, ABANDONED)
    }

    /// It is not to run, because the coordinator says so. False if it does not
    /// wait.
    pub(super) fn skip(&self) -> bool {
        self.change(WAITING, SKIPPED)
    }

    /// It is not to run, because its owner says so. False if it does not wait.
    pub(super) fn cancel(&self) -> bool {
        self.change(WAITING, CANCELLED)
    }

    pub(super) fn has_started(&self) -> bool {
        matches!(self.get(), RUNNING | ENDED | ABANDONED)
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.get() == ABANDONED
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.get() == CANCELLED
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
