//! Values of a slab, sorted by a time. The first is at hand: mostly it is the only one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter;

use super::slab::Key;
use deadstop_core::Nanos;

type Value = (Nanos, Key);

/// Two heaps, which are 2 KB of program: a B-tree is 16.
///
/// No value may be inserted that is in it. One that was removed may come again; one that was
/// removed and was not in it may not.
#[derive(Default)]
pub(super) struct SortedSet {
    first: Option<Value>,
    /// The values after the first, with those that were removed and not first.
    rest: BinaryHeap<Reverse<Value>>,
    removed: BinaryHeap<Reverse<Value>>,
}

/// The removed values that stay although most values are.
const MAX_REMOVED: usize = 64;

impl SortedSet {
    pub(super) fn first(&self) -> Option<Value> {
        self.first
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn insert(&mut self, value: Value) {
        match self.first {
            None => self.first = Some(value),
            Some(first) => {
                self.first = Some(first.min(value));
                self.rest.push(Reverse(first.max(value)));
            }
        }
    }

    pub(super) fn remove(&mut self, value: Value) {
        if self.first == Some(value) {
            self.first = self.pop_rest();
        } else if !self.rest.is_empty() {
            self.removed.push(Reverse(value));
            if self.removed.len() > MAX_REMOVED + self.rest.len() / 2 {
                self.rest = iter::from_fn(|| self.pop_rest().map(Reverse)).collect();
            }
        }
    }

    /// Takes the least value of the rest that was not removed.
    fn pop_rest(&mut self) -> Option<Value> {
        while let Some(value) = self.rest.pop() {
            // The greatest is the least in time.
            while self.removed.peek().is_some_and(|removed| *removed > value) {
                self.removed.pop();
            }
            if self.removed.peek() != Some(&value) {
                return Some(value.0);
            }
            self.removed.pop();
        }
        self.removed.clear();
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn value(at: u64) -> Value {
        (Nanos(at), Key::FIRST)
    }

    #[test]
    fn first_is_the_least_whatever_was_inserted_and_removed() {
        let mut set = SortedSet::default();
        let mut reference = BTreeSet::new();
        // Values in an order that moves the first; some come again after they were removed.
        for at in [
            5, 3, 8, 1, 9, -8, -1, 8, 2, -5, -2, -9, 7, -3, 9, -7, -8, -9, 4, -4,
        ] {
            let value = value(i64::unsigned_abs(at));
            if at > 0 {
                set.insert(value);
                reference.insert(value);
            } else {
                set.remove(value);
                reference.remove(&value);
            }
            assert_eq!(set.first(), reference.first().copied());
        }
        assert!(set.is_empty());
    }

    #[test]
    fn removed_values_do_not_pile_up_behind_the_first() {
        let mut set = SortedSet::default();
        set.insert(value(0));
        set.insert(value(u64::MAX));
        for at in 1..1_000 {
            set.insert(value(at));
            set.remove(value(at));
            assert!(set.rest.len() + set.removed.len() < 5 * MAX_REMOVED);
        }
        for at in [0, u64::MAX] {
            assert_eq!(set.first(), Some(value(at)));
            set.remove(value(at));
        }
        assert!(set.is_empty());
    }

    #[test]
    fn value_that_is_not_in_the_set_can_be_removed() {
        let mut set = SortedSet::default();
        set.remove(value(1));
        for at in [2, 3, 4] {
            set.insert(value(at));
        }
        set.remove(value(1));
        for at in [2, 3, 4] {
            assert_eq!(set.first(), Some(value(at)));
            set.remove(value(at));
        }
        assert!(set.is_empty());
    }
}
