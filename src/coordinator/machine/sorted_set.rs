//! Values of a slab, sorted by a time. The first is at hand: mostly it is the only one.

use std::collections::VecDeque;

use super::slab::Key;
use deadstop_core::Nanos;

#[derive(Default)]
pub(super) struct SortedSet {
    first: Option<(Nanos, Key)>,
    /// The values after the first. Mostly one is inserted after the others, and the first is
    /// removed: both take the same time among many. In the middle, up to half of the values
    /// are moved, 24 bytes each. A B-tree would not move them, and is 9 KB of program.
    rest: VecDeque<(Nanos, Key)>,
}

impl SortedSet {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn first(&self) -> Option<(Nanos, Key)> {
        self.first
    }

    pub(super) fn insert(&mut self, value: (Nanos, Key)) {
        match self.first {
            None => self.first = Some(value),
            Some(first) if value < first => {
                self.first = Some(value);
                self.rest.push_front(first);
            }
            Some(first) if value > first => self.insert_into_rest(value),
            Some(_) => {}
        }
    }

    pub(super) fn remove(&mut self, value: (Nanos, Key)) {
        match self.first == Some(value) {
            true => self.first = self.rest.pop_front(),
            false => self.remove_from_rest(value),
        }
    }

    pub(super) fn clear(&mut self) {
        self.first = None;
        self.rest.clear();
    }

    #[inline(never)] // A kilobyte.
    fn insert_into_rest(&mut self, value: (Nanos, Key)) {
        if let Err(place) = self.rest.binary_search(&value) {
            self.rest.insert(place, value);
        }
    }

    #[inline(never)] // The same.
    fn remove_from_rest(&mut self, value: (Nanos, Key)) {
        if let Ok(place) = self.rest.binary_search(&value) {
            self.rest.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn first_is_the_least_whatever_was_inserted_and_removed() {
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
