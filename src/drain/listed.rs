//! A list of what a process has of one kind, which is read without a lock.

use crate::process;
use crate::sys::published::Published;

/// The maximum number of entries in a list.
pub(crate) const LISTED: usize = 64;

/// Up to [`LISTED`] items, for the metrics. Further ones are not listed.
pub(super) struct List<T: 'static>([Published<Entry<T>>; LISTED]);

struct Entry<T: 'static> {
    item: &'static T,
    /// Stands for the process; a child of `fork` lists its own alone.
    generation: u32,
}

impl<T: Sync> List<T> {
    pub(super) const fn empty() -> Self {
        Self([const { Published::nothing() }; LISTED])
    }

    pub(super) fn add(&self, item: &'static T) {
        let generation = process::generation();
        let mut entry = Box::new(Entry { item, generation });
        for place in &self.0 {
            match place.publish(entry) {
                Ok(_) => return,
                Err(refused) => entry = refused,
            }
        }
    }

    /// Returns `true` if an item can be added: places stay taken.
    pub(super) fn has_place(&self) -> bool {
        self.0.iter().any(|place| place.get().is_none())
    }

    /// Returns the items. Allocates nothing and waits for no other thread.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static T> {
        let own = process::generation();
        let entries = self.0.iter().filter_map(Published::get);
        entries
            .filter(move |entry| entry.generation == own)
            .map(|entry| entry.item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_beyond_the_last_place_are_not_listed() {
        static ITEMS: [usize; LISTED + 1] = [7; LISTED + 1];
        let list = List::empty();
        for item in &ITEMS {
            list.add(item);
        }
        assert_eq!(list.iter().count(), LISTED);
        assert!(!list.has_place());
    }
}
