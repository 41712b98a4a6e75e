//! The wakers of this process, and the thread of each shutdown that waits for the request.
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

use super::entry::Entry;
use super::round::{THREAD, run_all, run_late};
use crate::Shutdown;
use crate::coordinator::Coordinator;
use crate::lock::Mutex;
use crate::process::PerProcess;
use crate::threads;
use crate::wait::Requested;

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
        let (requested, released) = (Requested::new(coordinator), Arc::clone(coordinator));
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
            let index = waiting.wakers.iter().position(is_this)?;
            waiting.wakers.remove(index)
        });
        drop(all);
        drop(removed);
    }

    /// The request has come: runs every waker.
    fn begin(&self, coordinator: &Arc<Coordinator>) {
        let waiting = {
            let mut all = self.0.lock();
            let index = all.iter().position(|it| it.is_of(coordinator));
            index.map(|index| all.swap_remove(index))
        };
        run_all(coordinator, waiting.map(|it| it.wakers).unwrap_or_default());
    }
}

impl Waiting {
    fn is_of(&self, coordinator: &Arc<Coordinator>) -> bool {
        Arc::ptr_eq(&self.coordinator, coordinator)
    }
}
