//! Wakers of futures, found by their keys.

use std::task::Waker;

use super::milestone::Milestone;

/// Sorted by key. A new key is larger than those before, so that its waker comes last. A
/// waker that is removed leaves its slot empty, until half of the slots are.
#[derive(Default)]
pub(super) struct WakerList {
    slots: Vec<Slot>,
    empty: usize,
}

struct Slot {
    key: u64,
    milestone: Milestone,
    waker: Option<Waker>,
}

impl WakerList {
    /// Sets the waker of `key`; returns the one before.
    pub(super) fn set(&mut self, key: u64, milestone: Milestone, waker: Waker) -> Option<Waker> {
        let waker = Some(waker);
        match self.find(key) {
            Ok(at) => {
                let before = std::mem::replace(&mut self.slots[at].waker, waker);
                self.empty -= usize::from(before.is_none());
                before
            }
            Err(at) => {
                let slot = Slot {
                    key,
                    milestone,
                    waker,
                };
                self.slots.insert(at, slot);
                None
            }
        }
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Waker> {
        let at = self.find(key).ok()?;
        let waker = self.slots[at].waker.take()?;
        self.empty += 1;
        if self.empty > self.slots.len() / 2 {
            self.slots.retain(|slot| slot.waker.is_some());
            self.empty = 0;
        }
        Some(waker)
    }

    /// Removes those whose milestone `is_reached`, in the order of their keys.
    #[inline(never)] // Once for each phase and run. Mostly the list is empty.
    pub(super) fn take(&mut self, is_reached: &dyn Fn(Milestone) -> bool) -> Vec<Waker> {
        let mut taken = Vec::new();
        self.slots.retain_mut(|slot| {
            if slot.waker.is_some() && is_reached(slot.milestone) {
                taken.extend(slot.waker.take());
            }
            slot.waker.is_some()
        });
        self.empty = 0;
        taken
    }

    fn find(&self, key: u64) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&key, |slot| slot.key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::Wake;

    use super::*;

    /// Adds its number to a sum when it is woken.
    struct Adds(u64, Arc<AtomicU64>);

    impl Wake for Adds {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(self.0, Ordering::Relaxed);
        }
    }

    #[test]
    fn wakers_are_found_after_removals() {
        let sum = Arc::new(AtomicU64::new(0));
        let waker = |number| Waker::from(Arc::new(Adds(number, Arc::clone(&sum))));
        let mut list = WakerList::default();
        for key in 1..=10 {
            let before = list.set(key, Milestone::Reached(key as usize), waker(key));
            assert!(before.is_none());
        }
        for key in [3, 1, 10, 4, 7] {
            assert!(list.remove(key).is_some());
            assert!(list.remove(key).is_none());
        }
        // In an empty slot, and in one that is gone.
        assert!(list.set(7, Milestone::Reached(7), waker(7)).is_none());
        assert!(list.remove(2).is_some());
        assert!(list.set(1, Milestone::Reached(1), waker(1)).is_none());
        assert!(list.set(8, Milestone::Reached(8), waker(8)).is_some());

        let reached = |milestone| matches!(milestone, Milestone::Reached(..=6));
        list.take(&reached).into_iter().for_each(Waker::wake);
        assert_eq!(sum.swap(0, Ordering::Relaxed), 1 + 5 + 6);
        list.take(&|_| true).into_iter().for_each(Waker::wake);
        assert_eq!(sum.load(Ordering::Relaxed), 7 + 8 + 9);
    }
}
