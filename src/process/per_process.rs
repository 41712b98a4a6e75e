//! State that a child of `fork` begins anew.
//!
//! A child inherits a list with its parent's entries, a lock that may be held for ever, and
//! the note that a thread exists which it does not have. Such state is made once for each
//! process, when it is first needed.
//!
//! # Orderings
//!
//! Those of [`Published`].

use super::generation;
use crate::sys::published::Published;

/// A value of this process alone. The parent's stays allocated in a child of `fork`.
pub(crate) struct PerProcess<T: 'static>(Published<Entry<T>>);

struct Entry<T> {
    value: T,
    generation: u32,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn nothing() -> Self {
        Self(Published::nothing())
    }

    /// Returns the value of this process. Two threads that need it first may both call
    /// `make`; one value is kept.
    pub(crate) fn get(&self, make: impl Fn() -> T) -> &'static T {
        loop {
            let generation = generation();
            let before = self.0.get();
            if let Some(entry) = before.filter(|entry| entry.generation == generation) {
                return &entry.value;
            }
            let value = make();
            let entry = Box::new(Entry { value, generation });
            // Fails if another thread was faster.
            if let Ok(entry) = self.0.publish_after(before, entry) {
                return &entry.value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_made_once_and_anew_after_a_fork() {
        static NUMBERS: PerProcess<u32> = PerProcess::nothing();
        assert_eq!(*NUMBERS.get(|| 1), 1);
        assert_eq!(*NUMBERS.get(|| 2), 1);
        // The state that a child of `fork` finds.
        let generation = generation().wrapping_sub(1);
        let of_parent = Box::new(Entry {
            value: 3,
            generation,
        });
        NUMBERS.0.replace(of_parent);
        assert_eq!(*NUMBERS.get(|| 4), 4);
    }
}
