//! The numbers of tasks, runs and scopes.

use super::slab::Key;

/// A task's number: it grows with each registration.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(in crate::coordinator) struct TaskId(pub(super) Key);

impl TaskId {
    /// Returns the number that stands for the task outside of the machine.
    pub(in crate::coordinator) fn number(self) -> u128 {
        self.0.to_bits()
    }

    pub(in crate::coordinator) fn from_number(number: u128) -> Self {
        Self(Key::from_bits(number))
    }
}

/// A run's number, in the order of the requests. The whole shutdown's is the first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::coordinator) struct RunId(pub(super) Key);

impl RunId {
    /// So that the whole shutdown comes first, whenever it was requested.
    pub(super) const WHOLE: u64 = 0;
}

/// A scope's number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(in crate::coordinator) struct ScopeId(pub(super) Key);

impl ScopeId {
    /// The whole shutdown.
    pub(in crate::coordinator) const ROOT: Self = Self(Key::FIRST);
}
