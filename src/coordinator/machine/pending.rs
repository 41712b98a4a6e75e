//! The tasks of a scope whose phase has not begun.

use super::slab::List;

/// A list for each phase, in the order of the phases.
#[derive(Default)]
pub(super) struct Pending {
    lists: Vec<(usize, List)>,
    /// The probable index in `lists` of a run's next phase.
    next: usize,
}

impl Pending {
    /// Returns the list of the phase, which is made if need be.
    pub(super) fn list(&mut self, phase: usize) -> &mut List {
        let at = match self.find(phase) {
            Ok(at) => at,
            Err(at) => {
                self.lists.insert(at, (phase, List::default()));
                at
            }
        };
        &mut self.lists[at].1
    }

    /// Returns the lists of the phases after `phase`, with their phases.
    pub(super) fn lists_after(&self, phase: usize) -> impl Iterator<Item = (usize, &List)> {
        let first = self.lists.partition_point(|(of, _)| *of <= phase);
        self.lists[first..]
            .iter()
            .map(|(phase, list)| (*phase, list))
    }

    /// Returns `true` if there are tasks of the phase.
    pub(super) fn has(&self, phase: usize) -> bool {
        let at = self.find(phase);
        at.is_ok_and(|at| !self.lists[at].1.is_empty())
    }

    /// Takes the tasks of the phase, if there are some.
    pub(super) fn take(&mut self, phase: usize) -> Option<List> {
        let at = self.find(phase).ok()?;
        self.next = at + 1;
        let list = std::mem::take(&mut self.lists[at].1);
        (!list.is_empty()).then_some(list)
    }

    fn find(&self, phase: usize) -> Result<usize, usize> {
        match self.lists.get(self.next) {
            Some((next, _)) if *next == phase => Ok(self.next),
            _ => self.lists.binary_search_by_key(&phase, |(phase, _)| *phase),
        }
    }
}
