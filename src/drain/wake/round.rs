//! Runs the wakers of a shutdown that was requested, one after another. Where one does not return,
//! another thread goes on with the next.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use deadstop_core::{EventCount, now};

use super::calls::Calls;
use super::entry::Entry;
use crate::contain::contain;
use crate::coordinator::Coordinator;
use crate::lock::Mutex;
use crate::threads;

pub(super) const THREAD: &str = "deadstop-wake";

/// The longest time of a waker before the next one runs on another thread, and the longest wait of
/// a call that disables a running one.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

/// The state that the threads share which run the wakers of a shutdown.
struct Round {
    coordinator: Arc<Coordinator>,
    calls: Mutex<Calls>,
    /// Advances with each waker that returns.
    returns: EventCount,
}

/// Runs wakers until all have returned, or those that have not are known by name.
pub(super) fn run_all(coordinator: &Arc<Coordinator>, wakers: VecDeque<Arc<Entry>>) {
    let round = Arc::new(Round {
        coordinator: Arc::clone(coordinator),
        calls: Mutex::new(Calls::of(wakers)),
        returns: EventCount::new(),
    });
    loop {
        start_runner(&round);
        if round.wait() {
            return;
        }
        round.report_late();
        if !round.calls.lock().has_left() {
            return;
        }
    }
}

/// Runs a waker that was registered after the request, on a thread of its own.
pub(super) fn run_late(coordinator: &Arc<Coordinator>, waker: &Arc<Entry>) -> io::Result<()> {
    let (coordinator, waker) = (Arc::clone(coordinator), Arc::clone(waker));
    let life = move || threads::with_program_mask(|| run_one(&coordinator, &waker));
    threads::spawn_deep(THREAD, life).map_err(io::Error::other)
}

fn start_runner(round: &Arc<Round>) {
    let runs = Arc::clone(round);
    let life = move || threads::with_program_mask(|| runs.run());
    if threads::spawn_deep(THREAD, life).is_err() {
        // Better one after another here than not at all.
        round.run();
    }
}

fn run_one(coordinator: &Coordinator, waker: &Entry) {
    if contain(|| waker.wake()).is_err() {
        let text = format!("waker {:?} panicked", waker.name);
        coordinator.reporting.alert(text);
    }
}

impl Round {
    /// Runs the wakers that are left.
    fn run(&self) {
        loop {
            let Some(waker) = self.calls.lock().begin() else {
                return;
            };
            run_one(&self.coordinator, &waker);
            self.calls.lock().end(&waker);
            self.returns.advance();
            // The callback may go with it.
            let _ = contain(|| drop(waker));
        }
    }

    /// Waits until every waker has returned. Returns `false` once none has returned for
    /// [`PATIENCE`].
    fn wait(&self) -> bool {
        loop {
            let seen = self.returns.read();
            if self.calls.lock().is_done() {
                return true;
            }
            let until = now().saturating_add(PATIENCE);
            self.returns.wait_past(seen, Some(until));
            if self.returns.read() == seen {
                return false;
            }
        }
    }

    fn report_late(&self) {
        let late = self.calls.lock().take_unreported();
        for name in late {
            self.coordinator.reporting.alert(format!(
                "waker {name:?} has not returned after {PATIENCE:?}"
            ));
        }
    }
}
