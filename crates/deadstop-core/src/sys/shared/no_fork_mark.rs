//! The mark of a process, on systems where a child has a number of its own.

/// No mark: the number of a process tells it from its children.
#[derive(Debug)]
pub struct ForkMark;

impl ForkMark {
    /// Creates a value without a mark.
    pub const fn absent() -> Self {
        Self
    }

    /// Does nothing.
    pub fn set(&self) {}

    /// Returns `true`.
    pub fn may_be_set(&self) -> bool {
        true
    }
}
