//! Values in numbered slots, found without hashing; and lists of them that cost no
//! memory of their own.
//!
//! A key names one value: the key of a value that was removed finds nothing, although
//! another value may have its slot. A value is in at most one list, which its owner
//! keeps.

use std::collections::BinaryHeap;

/// Counts the slots that were looked at, for tests of how costs grow.
#[cfg(test)]
pub(super) mod looks {
    use std::cell::Cell;

    thread_local! {
        static LOOKS: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count(looks: usize) {
        LOOKS.set(LOOKS.get() + looks as u64);
    }

    /// Returns the count, and begins anew.
    pub(in super::super) fn take() -> u64 {
        LOOKS.take()
    }
}

#[cfg(not(test))]
mod looks {
    pub(super) fn count(_looks: usize) {}
}

/// The key of a value. Keys are ordered by their number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(in crate::coordinator) struct Key {
    number: u64,
    slot: u32,
}

impl Key {
    /// The first value of a slab, if it was inserted with the number 0.
    pub(super) const FIRST: Self = Self { number: 0, slot: 0 };

    pub(super) fn to_bits(self) -> u128 {
        u128::from(self.number) << 32 | u128::from(self.slot)
    }

    pub(super) fn from_bits(bits: u128) -> Self {
        Self {
            number: (bits >> 32) as u64,
            slot: bits as u32,
        }
    }
}

pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    /// The free slots, linked by `next`.
    first_free: u32,
    len: usize,
}

struct Slot<T> {
    number: u64,
    /// The neighbors in the value's list.
    previous: u32,
    next: u32,
    value: Option<T>,
}

/// No slot.
const NONE: u32 = u32::MAX;

/// A list of values of one slab, in the order in which they were added.
#[derive(Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
    len: usize,
}

impl Default for List {
    fn default() -> Self {
        Self {
            first: NONE,
            last: NONE,
            len: 0,
        }
    }
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            first_free: NONE,
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Inserts a value. No two values may have the same number.
    pub(super) fn insert(&mut self, number: u64, value: T) -> Key {
        looks::count(1);
        self.len += 1;
        let slot = self.first_free;
        match self.slots.get_mut(slot as usize) {
            Some(free) => {
                self.first_free = free.next;
                free.number = number;
                free.value = Some(value);
                Key { number, slot }
            }
            None => {
                let slot = self.slots.len() as u32;
                self.slots.push(Slot {
                    number,
                    previous: NONE,
                    next: NONE,
                    value: Some(value),
                });
                Key { number, slot }
            }
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        looks::count(1);
        let slot = self.slots.get(key.slot as usize)?;
        slot.value.as_ref().filter(|_| slot.number == key.number)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        looks::count(1);
        let slot = self.slots.get_mut(key.slot as usize)?;
        slot.value.as_mut().filter(|_| slot.number == key.number)
    }

    /// Removes a value, which must be in no list.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        looks::count(1);
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.number != key.number {
            return None;
        }
        let value = slot.value.take()?;
        slot.next = std::mem::replace(&mut self.first_free, key.slot);
        self.len -= 1;
        Some(value)
    }

    /// Returns the values, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        looks::count(self.slots.len());
        self.slots.iter().filter_map(|slot| slot.value.as_ref())
    }

    /// Returns the keys of all values, in the order of their numbers.
    pub(super) fn keys(&self) -> Vec<Key> {
        looks::count(self.slots.len());
        let mut keys = Vec::with_capacity(self.len);
        for (at, slot) in self.slots.iter().enumerate() {
            if slot.value.is_some() {
                keys.push(Key {
                    number: slot.number,
                    slot: at as u32,
                });
            }
        }
        sorted(keys)
    }

    /// Adds a value, which must be in no list, at the end of `list`.
    pub(super) fn push_back(&mut self, list: &mut List, key: Key) {
        looks::count(1);
        let last = std::mem::replace(&mut list.last, key.slot);
        match self.slots.get_mut(last as usize) {
            Some(last) => last.next = key.slot,
            None => list.first = key.slot,
        }
        if let Some(slot) = self.slots.get_mut(key.slot as usize) {
            slot.previous = last;
            slot.next = NONE;
        }
        list.len += 1;
    }

    /// Takes a value out of `list`, which must be the one that it is in.
    pub(super) fn unlink(&mut self, list: &mut List, key: Key) {
        looks::count(1);
        let Some(slot) = self.slots.get(key.slot as usize) else {
            return;
        };
        let (previous, next) = (slot.previous, slot.next);
        match self.slots.get_mut(previous as usize) {
            Some(slot) => slot.next = next,
            None => list.first = next,
        }
        match self.slots.get_mut(next as usize) {
            Some(slot) => slot.previous = previous,
            None => list.last = previous,
        }
        list.len -= 1;
    }

    pub(super) fn pop_front(&mut self, list: &mut List) -> Option<Key> {
        let key = self.key_at(list.first)?;
        self.unlink(list, key);
        Some(key)
    }

    /// Returns the keys of the values in `list`.
    pub(super) fn iter<'a>(&'a self, list: &List) -> impl Iterator<Item = Key> + 'a {
        let mut next = list.first;
        std::iter::from_fn(move || {
            let key = self.key_at(next)?;
            next = self.slots.get(next as usize)?.next;
            Some(key)
        })
    }

    /// Returns the keys of the values in `list`, the last first.
    pub(super) fn iter_back<'a>(&'a self, list: &List) -> impl Iterator<Item = Key> + 'a {
        let mut next = list.last;
        std::iter::from_fn(move || {
            let key = self.key_at(next)?;
            next = self.slots.get(next as usize)?.previous;
            Some(key)
        })
    }

    fn key_at(&self, slot: u32) -> Option<Key> {
        looks::count(1);
        let number = self.slots.get(slot as usize)?.number;
        Some(Key { number, slot })
    }
}

/// Sorts `values`, which mostly are sorted already. By a heap sort: it is 1 KB of program, and
/// each of std's sorts is 5.
pub(super) fn sorted<T: Ord>(values: Vec<T>) -> Vec<T> {
    // `is_sorted` is an unrolled loop of 2 KB.
    match values.windows(2).all(|pair| pair[0] <= pair[1]) {
        true => values,
        false => BinaryHeap::from(values).into_sorted_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(slab: &Slab<char>, list: &List) -> String {
        slab.iter(list).filter_map(|key| slab.get(key)).collect()
    }

    #[test]
    fn key_of_a_removed_value_finds_nothing_although_its_slot_is_used() {
        let mut slab = Slab::new();
        let a = slab.insert(0, 'a');
        assert_eq!(slab.remove(a), Some('a'));
        let b = slab.insert(1, 'b');
        assert_eq!((slab.get(a), slab.get(b)), (None, Some(&'b')));
        assert_eq!((slab.remove(a), slab.len()), (None, 1));
    }

    #[test]
    fn list_keeps_the_order_when_values_leave_it() {
        let mut slab = Slab::new();
        let mut list = List::default();
        let keys: Vec<_> = ('a'..='e')
            .zip(0..)
            .map(|(c, n)| slab.insert(n, c))
            .collect();
        for &key in &keys {
            slab.push_back(&mut list, key);
        }
        for (at, left) in [(2, "abde"), (0, "bde"), (4, "bd"), (3, "b"), (1, "")] {
            slab.unlink(&mut list, keys[at]);
            assert_eq!(values(&slab, &list), left);
            assert_eq!(list.len(), left.len());
        }
        slab.push_back(&mut list, keys[3]);
        assert_eq!(slab.pop_front(&mut list), Some(keys[3]));
        assert_eq!(slab.pop_front(&mut list), None);
    }

    #[test]
    fn keys_are_in_the_order_of_their_numbers() {
        let mut slab = Slab::new();
        let first = slab.insert(0, 'a');
        slab.insert(1, 'b');
        slab.remove(first);
        slab.insert(2, 'c');
        let found: String = slab
            .keys()
            .into_iter()
            .filter_map(|key| slab.get(key))
            .collect();
        assert_eq!(found, "bc");
    }
}
