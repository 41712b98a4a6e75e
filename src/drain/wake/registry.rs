//! The wakers of this process, and the threads that run them.
//!
//! ```text
//! deadstop-wake ──request──▶ takes the wakers ──▶ runs them, one after another ──▶ tasks start
//!        │                                             │ one does not return
//!        ╰── looks every 20 ms ──▶ another runner ◀────╯
//! ```
//!
//! The coordinator holds the tasks of the first phase until each waker was called: a task
//! that closes a client must not be woken out of its last commit.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use deadstop_core::{EventCount, now};
use parking_lot::Mutex;

use super::entry::Entry;
use crate::Shutdown;
use crate::drain::report::warn;
use crate::threads;

const THREAD: &str = "deadstop-wake";

/// How long a waker may take before the next one runs on another thread, and for how long
/// disabling waits for one that runs.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

/// The wakers of this process.
pub(super) static REGISTRY: Registry = Registry {
    state: Mutex::new(State {
        waiting: VecDeque::new(),
        has_thread: false,
        has_begun: false,
    }),
};

pub(super) struct Registry {
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<Arc<Entry>>,
    has_thread: bool,
    has_begun: bool,
}

impl Registry {
    /// Adds a waker, and starts the thread that waits for the request.
    pub(super) fn add(&'static self, shutdown: &Shutdown, entry: &Arc<Entry>) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.has_begun {
            drop(state);
            return run_late(Arc::clone(entry));
        }
        if !state.has_thread {
            let (requested, coordinator) = (shutdown.requested(), shutdown.coordinator.clone());
            let life = move || {
                requested.wait();
                self.begin();
                coordinator.release_tasks();
            };
            threads::spawn_deep(THREAD, life).map_err(io::Error::other)?;
            // Not before the thread exists: it releases them.
            shutdown.coordinator.hold_tasks();
            state.has_thread = true;
        }
        state.waiting.push_back(Arc::clone(entry));
        Ok(())
    }

    /// Takes a waker off the list.
    pub(super) fn remove(&self, entry: &Entry) {
        let is_this = |other: &Arc<Entry>| std::ptr::eq(&raw const **other, entry);
        let mut state = self.state.lock();
        let place = state.waiting.iter().position(is_this);
        let removed = place.and_then(|place| state.waiting.remove(place));
        drop(state);
        drop(removed);
    }

    /// The request has come: runs every waker.
    fn begin(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.has_begun = true;
            std::mem::take(&mut state.waiting)
        };
        run_all(waiting);
    }
}

/// What the runners share.
struct Round {
    left: Mutex<VecDeque<Arc<Entry>>>,
    /// The wakers that run.
    running: Mutex<Vec<Arc<Entry>>>,
    changes: EventCount,
}

/// Runs wakers until all have returned, or those that have not are known by name.
fn run_all(waiting: VecDeque<Arc<Entry>>) {
    let round = Arc::new(Round {
        left: Mutex::new(waiting),
        running: Mutex::new(Vec::new()),
        changes: EventCount::new(),
    });
    let mut named: Vec<Arc<Entry>> = Vec::new();
    loop {
        start_runner(&round);
        // Until the runner is done, or one of its wakers does not return.
        loop {
            let seen = round.changes.read();
            if round.is_done() {
                return;
            }
            round
                .changes
                .wait_past(seen, Some(now().saturating_add(PATIENCE)));
            if round.changes.read() == seen {
                break;
            }
        }
        for entry in round.running.lock().iter() {
            if !named.iter().any(|known| Arc::ptr_eq(known, entry)) {
                named.push(Arc::clone(entry));
                let name = &entry.name;
                warn(&format!(
                    "waker {name:?} has not returned after {PATIENCE:?}"
                ));
            }
        }
        if round.left.lock().is_empty() {
            return;
        }
    }
}

impl Round {
    fn is_done(&self) -> bool {
        self.left.lock().is_empty() && self.running.lock().is_empty()
    }

    fn run(&self) {
        loop {
            let entry = {
                let Some(entry) = self.left.lock().pop_front() else {
                    return;
                };
                self.running.lock().push(Arc::clone(&entry));
                entry
            };
            run_one(&entry);
            self.running
                .lock()
                .retain(|other| !Arc::ptr_eq(other, &entry));
            self.changes.advance();
        }
    }
}

fn start_runner(round: &Arc<Round>) {
    let runs = Arc::clone(round);
    let life = move || threads::with_program_mask(|| runs.run());
    if threads::spawn_deep(THREAD, life).is_err() {
        // Better one after another here than not at all.
        round.run();
    }
}

fn run_late(entry: Arc<Entry>) -> io::Result<()> {
    let life = move || threads::with_program_mask(|| run_one(&entry));
    threads::spawn_deep(THREAD, life).map_err(io::Error::other)
}

fn run_one(entry: &Entry) {
    if catch_unwind(AssertUnwindSafe(|| entry.wake())).is_err() {
        warn(&format!("waker {:?} panicked", entry.name));
    }
}
