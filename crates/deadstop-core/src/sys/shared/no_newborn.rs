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

    /// Returns what announces nothing.
    pub fn announcer(&self) -> NewbornAnnouncer {
        NewbornAnnouncer
    }

    /// Does nothing.
    pub fn clear(&self) {}

    /// Does nothing.
    pub fn kill(&self) {}

    /// Does nothing.
    pub fn reset_after_fork(&self) {}
}

/// Announces no child.
#[derive(Clone, Copy, Debug)]
pub struct NewbornAnnouncer;
