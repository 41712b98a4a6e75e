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
use std::sync::Arc;
use std::time::Duration;

use deadstop_core::{EventCount, now};

use super::entry::Entry;
use crate::Shutdown;
use crate::contain::contain;
use crate::coordinator::Coordinator;
use crate::lock::Mutex;
use crate::process::PerProcess;
use crate::threads;

const THREAD: &str = "deadstop-wake";

/// The longest time of a waker before the next one runs on another thread, and the longest wait of
/// a call that disables a running one.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

static REGISTRY: PerProcess<Registry> = PerProcess::nothing();

/// Returns the wakers of this process.
pub(super) fn registry() -> &'static Registry {
    REGISTRY.get(Registry::default)
}

/// The wakers of each shutdown that was not requested: the installed one, and those that
/// are detached.
#[derive(Default)]
pub(super) struct Registry(Mutex<Vec<Waiting>>);

/// The wakers that a thread calls at the request.
struct Waiting {
    coordinator: Arc<Coordinator>,
    wakers: VecDeque<Arc<Entry>>,
}

impl Registry {
    /// Adds a waker, and starts the thread that waits for the request.
    pub(super) fn add(&'static self, shutdown: &Shutdown, entry: &Arc<Entry>) -> io::Result<()> {
        let coordinator = &shutdown.coordinator;
        let mut all = self.0.lock();
        if let Some(waiting) = all.iter_mut().find(|it| it.is_of(coordinator)) {
            waiting.wakers.push_back(Arc::clone(entry));
            return Ok(());
        }
        if coordinator.is_requested() {
            drop(all);
            return run_late(coordinator, entry);
        }
        let (requested, released) = (shutdown.requested(), Arc::clone(coordinator));
        let life = move || {
            requested.wait();
            self.begin(&released);
            released.release_tasks();
        };
        threads::spawn_deep(THREAD, life).map_err(io::Error::other)?;
        // Not before the thread exists: it releases them.
        coordinator.hold_tasks();
        all.push(Waiting {
            coordinator: Arc::clone(coordinator),
            wakers: VecDeque::from([Arc::clone(entry)]),
        });
        Ok(())
    }

    /// Takes a waker off the list.
    pub(super) fn remove(&self, entry: &Entry) {
        let is_this = |other: &Arc<Entry>| std::ptr::eq(&raw const **other, entry);
        let mut all = self.0.lock();
        let removed = all.iter_mut().find_map(|waiting| {
            let place = waiting.wakers.iter().position(is_this)?;
            waiting.wakers.remove(place)
        });
        drop(all);
        drop(removed);
    }

    /// The request has come: runs every waker.
    fn begin(&self, coordinator: &Arc<Coordinator>) {
        let waiting = {
            let mut all = self.0.lock();
            let place = all.iter().position(|it| it.is_of(coordinator));
            place.map(|place| all.swap_remove(place))
        };
        run_all(coordinator, waiting.map(|it| it.wakers).unwrap_or_default());
    }
}

impl Waiting {
    fn is_of(&self, coordinator: &Arc<Coordinator>) -> bool {
        Arc::ptr_eq(&self.coordinator, coordinator)
    }
}

/// The state that the runners share.
struct Round {
    coordinator: Arc<Coordinator>,
    left: Mutex<VecDeque<Arc<Entry>>>,
    /// The wakers that run.
    running: Mutex<Vec<Arc<Entry>>>,
    changes: EventCount,
}

/// Runs wakers until all have returned, or those that have not are known by name.
fn run_all(coordinator: &Arc<Coordinator>, waiting: VecDeque<Arc<Entry>>) {
    let round = Arc::new(Round {
        coordinator: Arc::clone(coordinator),
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
                coordinator.reporting.alert(format!(
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
            run_one(&self.coordinator, &entry);
            self.running
                .lock()
                .retain(|other| !Arc::ptr_eq(other, &entry));
            self.changes.advance();
            // The callback may go with it.
            let _ = contain(|| drop(entry));
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

fn run_late(coordinator: &Arc<Coordinator>, entry: &Arc<Entry>) -> io::Result<()> {
    let (coordinator, entry) = (Arc::clone(coordinator), Arc::clone(entry));
    let life = move || threads::with_program_mask(|| run_one(&coordinator, &entry));
    threads::spawn_deep(THREAD, life).map_err(io::Error::other)
}

fn run_one(coordinator: &Coordinator, entry: &Entry) {
    if contain(|| entry.wake()).is_err() {
        let text = format!("waker {:?} panicked", entry.name);
        coordinator.reporting.alert(text);
    }
}
