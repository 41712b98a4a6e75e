//! State shared by a gate's handles, guards and tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use deadstop_core::{Nanos, now};

use super::counter::Counter;
use super::plan::Plan;
use super::roster::{Listed, Roster};
use super::round::Round;
use crate::drain::counted::counted;
use crate::drain::owner::Owner;
use crate::lock::Mutex;
use crate::process;
use crate::report::Tenths;
use crate::sys::published::Published;

/// The state that a gate's handles, guards and tasks share. It lives as long as the process.
pub(super) struct State {
    pub(super) name: Box<str>,
    /// On cache lines of its own: every request changes it.
    pub(super) requests: CachePadded<Counter>,
    pub(super) streams: Counter,
    pub(super) refused: AtomicU64,
    /// Not a lock: a child of `fork` would wait for a thread of its parent.
    roster: Published<Roster>,
    round: Mutex<Arc<Round>>,
    /// The begin of `keep_accepting`, or zero.
    announced: AtomicU64,
    /// `None` in tests of the gate alone.
    pub(super) plan: Option<Plan>,
    random: AtomicU64,
    /// Stands for the process; a child of `fork` has another.
    pub(super) generation: u32,
}

impl State {
    pub(super) fn new(name: &str, plan: Option<Plan>) -> Self {
        Self {
            name: name.into(),
            requests: CachePadded::new(Counter::open()),
            streams: Counter::open(),
            refused: AtomicU64::new(0),
            roster: Published::nothing(),
            round: Mutex::new(Arc::default()),
            announced: AtomicU64::new(0),
            plan,
            random: AtomicU64::new(0),
            generation: process::generation(),
        }
    }

    /// Returns the table of named entries. It is made at the first named entry.
    pub(super) fn roster(&self) -> &Roster {
        loop {
            if let Some(roster) = self.roster.get() {
                return roster;
            }
            // Another thread may have been faster.
            let _ = self.roster.publish(Box::new(Roster::empty()));
        }
    }

    pub(super) fn oldest(&self) -> Option<Listed> {
        self.roster.get()?.oldest()
    }

    /// Returns the round that the gate is in. Takes a lock: not in a child of `fork`, which
    /// may have inherited it held.
    pub(super) fn round(&self) -> Arc<Round> {
        Arc::clone(&self.round.lock())
    }

    /// Returns `true` if this process opened the gate, and not a child of `fork`.
    pub(super) fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Notes that the time of `keep_accepting` begins now.
    pub(super) fn announce(&self, round: &Arc<Round>) {
        let current = self.round.lock();
        if Arc::ptr_eq(&current, round) {
            self.announced.store(now().0, Ordering::Relaxed);
        }
    }

    /// Refuses new entries from here on, and asks streams to end. Only the streams of a
    /// `round` that is over.
    pub(super) fn close(&self, round: &Arc<Round>) {
        {
            let current = self.round.lock();
            if Arc::ptr_eq(&current, round) {
                self.requests.close();
                self.streams.close();
            }
        }
        round.begin_closing();
    }

    /// Closes the gate in a `round` that has no task to wait for it.
    pub(super) fn give_up(&self, round: &Arc<Round>) {
        self.close(round);
        round.drained.set();
    }

    /// Admits entries again, in a round of its own. `None` if the gate is open.
    pub(super) fn reopen(&self) -> Option<Arc<Round>> {
        let mut current = self.round.lock();
        if !self.requests.reopen() {
            return None;
        }
        self.announced.store(0, Ordering::Relaxed);
        *current = Arc::default();
        self.streams.reopen();
        Some(Arc::clone(&current))
    }

    /// Returns `true` if the shutdown, or the gate's scope, is requested to stop.
    pub(super) fn is_owner_requested(&self) -> bool {
        let owner = self.plan.as_ref().map(|plan| &plan.owner);
        owner.is_some_and(Owner::is_requested)
    }

    /// Says what was left: in the log, or on standard error. Does not block.
    pub(super) fn alert(&self, text: String) {
        if let Some(plan) = &self.plan {
            plan.owner.alert(text);
        }
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// See [`Gate::should_close`](super::Gate::should_close).
    #[inline]
    pub(super) fn should_close(&self) -> bool {
        if self.requests.is_closed() {
            return true;
        }
        let Some(plan) = &self.plan else {
            return false;
        };
        if !plan.owner.is_requested() {
            return false;
        }
        if plan.keep_accepting.is_zero() {
            return true;
        }
        match self.announced.load(Ordering::Relaxed) {
            0 => false,
            began => self.is_drawn(now().since(Nanos(began)), plan.keep_accepting),
        }
    }

    /// Returns `true` with a probability that grows from 0 to 1 while the time of
    /// `keep_accepting` passes: clients that all reconnect at one instant are a load
    /// of their own.
    fn is_drawn(&self, elapsed: Duration, keep_accepting: Duration) -> bool {
        let share = elapsed.as_secs_f64() / keep_accepting.as_secs_f64();
        (self.draw() as f64) < share * u32::MAX as f64
    }

    /// Returns 32 random bits: splitmix64 of a counter.
    fn draw(&self) -> u32 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.random.fetch_add(STEP, Ordering::Relaxed);
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits >> 32) as u32
    }

    /// Describes what is in flight: "3 in flight; oldest "GET /orders/7" for 4.2 s".
    pub(super) fn describe(&self) -> String {
        let requests = self.requests.entries();
        let mut text = format!("{requests} in flight");
        if let Some(oldest) = self.oldest() {
            let age = Tenths(now().since(oldest.entered));
            text += &format!("; oldest {:?} for {age}", oldest.name);
            text += &format!(" (entered on thread {})", oldest.tid);
        }
        let streams = self.streams.entries();
        if streams > 0 {
            text += "; ";
            text += &counted(streams, "stream");
        }
        let refused = self.refused.load(Ordering::Relaxed);
        if refused > 0 {
            text += &format!("; {refused} refused");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_names_the_oldest_entry_and_counts_the_rest() {
        let state = State::new("requests", None);
        assert_eq!(state.describe(), "0 in flight");
        state.requests.enter();
        state.requests.enter();
        state.roster().enter("GET /orders/7", now(), 7);
        state.streams.enter();
        state.refuse();
        assert_eq!(
            state.describe(),
            "2 in flight; oldest \"GET /orders/7\" for 0.0 s (entered on thread 7); \
             1 stream; 1 refused"
        );
    }

    /// The task of the round before may be late.
    #[test]
    fn round_that_is_over_neither_closes_nor_announces_a_reopened_gate() {
        let state = State::new("requests", None);
        let over = state.round();
        state.announce(&over);
        state.close(&over);
        assert!(state.requests.is_closed() && state.streams.is_closed());
        let seen = state.requests.changes();
        let current = state.reopen().expect("it is closed");
        let announced = || state.announced.load(Ordering::Relaxed);
        assert_eq!(announced(), 0);
        assert_ne!(state.requests.changes(), seen, "its task is not woken");
        state.announce(&over);
        state.close(&over);
        assert_eq!(announced(), 0);
        assert!(!state.requests.is_closed() && !state.streams.is_closed());
        state.announce(&current);
        state.close(&current);
        assert_ne!(announced(), 0);
        assert!(state.requests.is_closed() && state.streams.is_closed());
    }

    #[test]
    fn share_of_draws_grows_with_the_time_that_has_passed() {
        let state = State::new("requests", None);
        let four = Duration::from_secs(4);
        let drawn = |elapsed| {
            let elapsed = Duration::from_secs(elapsed);
            (0..4000).filter(|_| state.is_drawn(elapsed, four)).count()
        };
        assert_eq!(drawn(0), 0);
        assert_eq!(drawn(4), 4000);
        let quarter = drawn(1);
        assert!((800..1200).contains(&quarter), "{quarter} of 4000");
    }
}
