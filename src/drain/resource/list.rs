//! The resources that are left, by phase, in the order of their registration.
//!
//! ```text
//! none ──add──▶ one or more ──take_last──▶ ... ──▶ empty ──take_last──▶ none
//!                   ╰──remove──▶ ...
//! ```
//!
//! The task of a phase takes resources until [`List::take_last`] returns none; a resource
//! that is added after that has a task of its own. `tests/loom/drain/resource` has models.

use std::sync::Arc;

use crate::primitives::Mutex;

/// The resources `R` that are left in each phase `P`.
pub(super) struct List<P, R>(Mutex<Vec<OfPhase<P, R>>>);

struct OfPhase<P, R> {
    phase: P,
    resources: Vec<Arc<R>>,
}

impl<P: PartialEq, R> List<P, R> {
    pub(super) const fn empty() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Adds a resource. If the phase has no task, `start` registers it first; if that
    /// fails, nothing is added.
    pub(super) fn add<E>(
        &self,
        phase: P,
        resource: Arc<R>,
        start: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut phases = self.0.lock();
        if let Some(of_phase) = phases.iter_mut().find(|of| of.phase == phase) {
            of_phase.resources.push(resource);
            return Ok(());
        }
        start()?;
        let resources = vec![resource];
        phases.push(OfPhase { phase, resources });
        Ok(())
    }

    /// Returns the first resource that `is_it` returns `true` for.
    pub(super) fn find(&self, is_it: impl Fn(&R) -> bool) -> Option<Arc<R>> {
        let phases = self.0.lock();
        let mut all = phases.iter().flat_map(|of| &of.resources);
        all.find(|resource| is_it(resource)).cloned()
    }

    pub(super) fn remove(&self, resource: &Arc<R>) {
        for of_phase in self.0.lock().iter_mut() {
            of_phase
                .resources
                .retain(|other| !Arc::ptr_eq(other, resource));
        }
    }

    /// Takes the resource that was added last, and says how many there were.
    pub(super) fn take_last(&self, phase: &P) -> Option<(Arc<R>, u32)> {
        let mut phases = self.0.lock();
        let at = phases.iter().position(|of| of.phase == *phase)?;
        let left = phases[at].resources.len() as u32;
        match phases[at].resources.pop() {
            Some(resource) => Some((resource, left)),
            None => {
                // A resource that is added from here on has a task of its own.
                phases.remove(at);
                None
            }
        }
    }
}
