//! Resources that are not closed yet, and the task that closes them one after another.

use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Duration;

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use super::list::List;
use super::once::Once;
use crate::coordinator::{Coordinator, TaskBuilder};
use crate::drain::RegisterError;
use crate::drain::latch::Latch;
use crate::drain::wake::WakerHandle;
use crate::lock::Mutex;
use crate::process::{self, PerProcess};
use crate::report::Outcome;
use crate::task::PhaseName;
use crate::task::TaskResult;
use crate::{Shutdown, TaskContext};

static ORDER: PerProcess<Order> = PerProcess::nothing();

/// Returns the resources of this process, by phase, in the order of their registration.
pub(super) fn order() -> &'static Order {
    ORDER.get(|| Order(List::empty()))
}

pub(super) type Close = Box<dyn FnOnce() -> Result<(), String> + Send>;

/// A phase of one shutdown, the installed one or a detached one.
#[derive(Clone)]
pub(super) struct Key {
    of: Weak<Coordinator>,
    phase: PhaseName,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.of.ptr_eq(&other.of) && self.phase == other.phase
    }
}

/// A client to close.
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) budget: Option<Duration>,
    pub(super) identity: Option<usize>,
    /// Its shutdown.
    pub(super) of: Weak<Coordinator>,
    pub(super) site: &'static Location<'static>,
    pub(super) close: Once<Close>,
    pub(super) waker: Mutex<Option<WakerHandle>>,
    /// Stands for the process; a child of `fork` has another.
    pub(super) generation: u32,
}

impl Resource {
    /// Returns `true` if this is the process that registered the client. A child of
    /// `fork` may have inherited each lock as held.
    pub(super) fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Returns `true` if both stand for one client of one shutdown.
    fn is_same(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity == other.identity && self.of.ptr_eq(&other.of)
    }

    /// Closes the client, unless it is closed already.
    pub(super) fn close(&self) -> Option<Result<(), String>> {
        self.disable_waker();
        let close = self.close.take()?;
        Some(close())
    }

    pub(super) fn disable_waker(&self) {
        // It stays, for another thread that closes the resource now to wait for it too.
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker {
            waker.disable();
        }
    }
}

/// Returns the result of a closure of the application.
pub(super) fn result_of(result: impl TaskResult) -> Result<(), String> {
    match result.into_outcome() {
        Outcome::Failed(why) => Err(why),
        _ => Ok(()),
    }
}

pub(super) struct Order(List<Key, Resource>);

impl Order {
    /// Adds a resource, and the task of its phase if it is the first one, unless there is
    /// one with its identity: returns that one. `prepare` is called before a resource is
    /// added; if it fails, nothing is added.
    pub(super) fn add(
        &'static self,
        shutdown: &Shutdown,
        phase: PhaseName,
        resource: &Arc<Resource>,
        prepare: impl FnOnce() -> Result<(), RegisterError>,
    ) -> Result<Option<Arc<Resource>>, RegisterError> {
        let key = Key {
            of: Arc::downgrade(&shutdown.coordinator),
            phase: phase.clone(),
        };
        let start = |is_first: bool| {
            prepare()?;
            if !is_first {
                return Ok(());
            }
            let (closes, of) = (shutdown.clone(), key.clone());
            task_at(shutdown, "resources".to_owned(), resource.site)
                .phase(phase.clone())
                .on_shutdown(move |cx| self.close_all(&closes, &of, cx))
                .map(drop)
        };
        self.0.add(
            key.clone(),
            resource,
            |known| known.is_same(resource),
            start,
        )
    }

    pub(super) fn remove(&self, resource: &Arc<Resource>) {
        self.0.remove(resource);
    }

    fn close_all(&self, shutdown: &Shutdown, key: &Key, cx: &TaskContext) {
        cx.note_kind(TaskKind::Resource);
        while let Some((resource, left)) = self.0.take_last(key) {
            let share = cx.remaining() / left;
            let budget = resource.budget.unwrap_or(share).min(cx.remaining());
            cx.progress(&format!("closing {:?}; {} more", resource.name, left - 1));
            let ended = Arc::new(Latch::new());
            let (closes, ends) = (Arc::clone(&resource), Arc::clone(&ended));
            let whole = cx.clone();
            let close = move |cx: &TaskContext| {
                // Set however the closure ends.
                let _set = SetOnDrop(ends);
                cx.note_kind(TaskKind::Resource);
                // Both wait for this thread.
                whole.show_thread(deadstop_core::tid());
                closes.close().unwrap_or(Ok(()))
            };
            let task = task_at(shutdown, resource.name.clone(), resource.site);
            let task = task.phase(key.phase.clone()).budget(budget);
            if task.on_shutdown(close).is_err() {
                // The phase is over: there is no time for it.
                return;
            }
            ended.wait(Some(now().saturating_add(budget)));
            cx.show_thread(deadstop_core::tid());
        }
    }
}

struct SetOnDrop(Arc<Latch>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// Starts describing a task whose site is `site`.
fn task_at(shutdown: &Shutdown, name: String, site: &'static Location<'static>) -> TaskBuilder {
    TaskBuilder::new(&shutdown.coordinator, name, site)
}
