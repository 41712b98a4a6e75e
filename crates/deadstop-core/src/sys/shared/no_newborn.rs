//! The child process that is being started, on systems where it is found only once its
//! parent has listed it.

/// No child is announced.
#[derive(Debug)]
pub struct Newborn;

impl Newborn {
    /// Creates a value without shared memory.
    pub const fn absent() -> Self {
        Self
    }

    /// Does nothing.
    pub fn prepare(&self) {}

    /// Returns a place where nothing is announced.
    pub fn place(&self) -> NewbornPlace {
        NewbornPlace
    }

    /// Does nothing.
    pub fn clear(&self) {}

    /// Does nothing.
    pub fn kill(&self) {}

    /// Does nothing.
    pub fn reset_after_fork(&self) {}
}

/// A place in which no child announces itself.
#[derive(Clone, Copy, Debug)]
pub struct NewbornPlace;
