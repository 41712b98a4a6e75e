//! Values of a slab, sorted by a time. The first is at hand: mostly it is the only one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::Key;
use deadstop_core::Nanos;

type Value = (Nanos, Key);

/// Removed values that a set keeps, even if they are most of its values.
const KEPT: usize = 64;

/// Two heaps, which are 1 KB of program. A B-tree would be 8.
#[derive(Default)]
pub(super) struct SortedSet {
    first: Option<Value>,
    /// The values after the first.
    rest: BinaryHeap<Reverse<Value>>,
    /// Values of `rest` that are removed. A value leaves both heaps once it is the smallest, or
    /// when half of the values are removed.
    removed: BinaryHeap<Reverse<Value>>,
}

impl SortedSet {
    pub(super) fn first(&self) -> Option<Value> {
        self.first
    }

    /// Adds a value, which the set must not hold.
    pub(super) fn insert(&mut self, value: Value) {
        let later = match self.first {
            Some(first) if first < value => value,
            first => {
                self.first = Some(value);
                let Some(first) = first else { return };
                first
            }
        };
        self.rest.push(Reverse(later));
    }

    /// Removes a value. One before the first is not there, and has no effect.
    pub(super) fn remove(&mut self, value: Value) {
        if self.first == Some(value) {
            self.first = match self.rest.is_empty() {
                true => None,
                false => self.pop_rest(),
            };
        } else if self.first.is_some_and(|first| first < value) {
            self.removed.push(Reverse(value));
            if self.removed.len() > KEPT + self.rest.len() / 2 {
                self.drop_removed();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    #[inline(never)] // Few programs remove so many values before they are due.
    fn drop_removed(&mut self) {
        let mut rest = BinaryHeap::new();
        while let Some(value) = self.pop_rest() {
            rest.push(Reverse(value));
        }
        self.rest = rest;
    }

    #[inline(never)] // Mostly there is no rest.
    fn pop_rest(&mut self) -> Option<Value> {
        loop {
            let value = self.rest.pop()?;
            if self.removed.peek() != Some(&value) {
                return Some(value.0);
            }
            self.removed.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Each number is a value that is added, or removed if it is there.
        #[test]
        fn first_is_the_smallest_after_inserts_and_removals(
            changes in prop::collection::vec(0_u64..300, 0..1_500),
        ) {
            let mut set = SortedSet::default();
            let mut reference = BTreeSet::new();
            for number in changes {
                let value = (Nanos(number), Key::FIRST);
                match reference.remove(&value) {
                    true => set.remove(value),
                    false => {
                        reference.insert(value);
                        set.insert(value);
                    }
                }
                prop_assert_eq!(set.first(), reference.first().copied());
            }
        }
    }

    #[test]
    fn removed_values_are_not_kept_in_memory() {
        let value = |number| (Nanos(number), Key::FIRST);
        let mut set = SortedSet::default();
        set.insert(value(0));
        for number in 1..10_000 {
            set.insert(value(number));
            set.remove(value(number));
        }
        assert_eq!(set.first(), Some(value(0)));
        assert!(set.rest.len() <= 2 * KEPT, "{}", set.rest.len());
        assert!(set.removed.len() <= 2 * KEPT, "{}", set.removed.len());
    }

    #[test]
    fn value_before_the_first_is_removed_without_effect() {
        let value = |number| (Nanos(number), Key::FIRST);
        let mut set = SortedSet::default();
        set.remove(value(1));
        set.insert(value(2));
        set.insert(value(3));
        set.remove(value(1));
        set.remove(value(2));
        set.remove(value(2));
        assert_eq!(set.first(), Some(value(3)));
        set.remove(value(3));
        assert_eq!(set.first(), None);
    }
}
