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

    /// Adds a resource, unless there is one that `is_same` returns `true` for: returns that
    /// one. `prepare` is called before a resource is added, and told whether the phase needs
    /// a task; if it fails, nothing is added.
    ///
    /// All that is one step: of two threads that add the same resource, one adds it.
    pub(super) fn add<E>(
        &self,
        phase: P,
        resource: &Arc<R>,
        is_same: impl Fn(&R) -> bool,
        prepare: impl FnOnce(bool) -> Result<(), E>,
    ) -> Result<Option<Arc<R>>, E> {
        let mut phases = self.0.lock();
        let mut all = phases.iter().flat_map(|of| &of.resources);
        if let Some(known) = all.find(|known| is_same(known)) {
            return Ok(Some(Arc::clone(known)));
        }
        let at = phases.iter().position(|of| of.phase == phase);
        prepare(at.is_none())?;
        let at = at.unwrap_or_else(|| {
            let resources = Vec::new();
            phases.push(OfPhase { phase, resources });
            phases.len() - 1
        });
        phases[at].resources.push(Arc::clone(resource));
        Ok(None)
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
