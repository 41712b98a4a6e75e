//! Values of a slab, sorted by a time. The first is at hand: mostly it is the only one.

use std::collections::BTreeSet;

use super::slab::Key;
use deadstop_core::Nanos;

/// Not generic: each type of a B-tree is 7 KB of program.
#[derive(Default)]
pub(super) struct SortedSet {
    first: Option<(Nanos, Key)>,
    /// The values after the first.
    rest: BTreeSet<(Nanos, Key)>,
}

impl SortedSet {
    pub(super) fn first(&self) -> Option<(Nanos, Key)> {
        self.first
    }

    pub(super) fn insert(&mut self, value: (Nanos, Key)) {
        match self.first {
            None => self.first = Some(value),
            Some(first) if value < first => {
                self.first = Some(value);
                self.rest.insert(first);
            }
            Some(first) if value > first => drop(self.rest.insert(value)),
            Some(_) => {}
        }
    }

    pub(super) fn remove(&mut self, value: (Nanos, Key)) {
        match self.first == Some(value) {
            true => self.first = self.rest.pop_first(),
            false => drop(self.rest.remove(&value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_is_the_smallest_after_inserts_and_removals() {
        let mut set = SortedSet::default();
        let mut reference = BTreeSet::new();
        // Each value twice in, each twice out, in an order that moves the first.
        for value in [5, 3, 8, 3, 1, 9, 5, 1, 8, 9] {
            let value = (Nanos(value), Key::FIRST);
            set.insert(value);
            reference.insert(value);
            assert_eq!(set.first(), reference.first().copied());
        }
        for value in [3, 1, 1, 9, 5, 3, 8, 9] {
            let value = (Nanos(value), Key::FIRST);
            set.remove(value);
            reference.remove(&value);
            assert_eq!(set.first(), reference.first().copied());
        }
    }
}
