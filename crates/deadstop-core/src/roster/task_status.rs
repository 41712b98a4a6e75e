//! The state of a slot, and the status of the task in it.

pub(super) const FREE: u32 = 0;
pub(super) const FILLING: u32 = 1;
pub(super) const LISTED: u32 = 2;
pub(super) const ABANDONED: u32 = 3;
pub(super) const DONE: u32 = 4;
pub(super) const FAILED: u32 = 5;
pub(super) const LATE: u32 = 6;
pub(super) const STATE: u32 = 7;
pub(super) const NEXT_USE: u32 = 8;

/// The status of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TaskStatus {
    Abandoned,
    Done,
    Failed,
    /// It returned after it was abandoned.
    Late,
    Running,
}

impl TaskStatus {
    /// Returns the status for a slot in `state`. `None` if it has no task.
    pub(super) fn of(state: u32) -> Option<Self> {
        match state & STATE {
            ABANDONED => Some(Self::Abandoned),
            DONE => Some(Self::Done),
            FAILED => Some(Self::Failed),
            LATE => Some(Self::Late),
            LISTED => Some(Self::Running),
            _ => None,
        }
    }

    /// Returns `true` if the task has not returned.
    pub(crate) fn is_unfinished(self) -> bool {
        matches!(self, Self::Abandoned | Self::Running)
    }
}
