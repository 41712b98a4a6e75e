//! One entry of a table, as it was read.

use core::ffi::c_int;
use core::time::Duration;

use super::task_kind::TaskKind;
use super::task_status::TaskStatus;
use crate::sizes::{PHASE_NAME_LEN, PROGRESS_LEN, SOURCE_PATH_LEN, TASK_NAME_LEN};
use crate::sys::Nanos;

/// A buffer for the texts of one task.
pub(crate) struct TaskBuffer {
    pub(super) name: [u8; TASK_NAME_LEN],
    pub(super) phase: [u8; PHASE_NAME_LEN],
    pub(super) file: [u8; SOURCE_PATH_LEN],
    pub(super) progress: [u8; PROGRESS_LEN],
}

impl TaskBuffer {
    pub(crate) const fn new() -> Self {
        Self {
            name: [0; TASK_NAME_LEN],
            phase: [0; PHASE_NAME_LEN],
            file: [0; SOURCE_PATH_LEN],
            progress: [0; PROGRESS_LEN],
        }
    }
}

/// One task, as it was at one moment.
pub(crate) struct TaskReading<'a> {
    pub(crate) kind: TaskKind,
    pub(crate) name: &'a str,
    pub(crate) phase: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) started: Nanos,
    /// Valid only if the task has ended.
    pub(crate) ended: Nanos,
    pub(crate) budget: Duration,
    pub(crate) tid: c_int,
    pub(crate) progress: &'a str,
    pub(crate) polls: Polls,
    pub(crate) status: TaskStatus,
}

/// The last poll of a task's future.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Polls {
    /// The task is no future, or is polled on its own thread.
    NoFuture,
    Never,
    Last {
        /// The time at which the last poll began.
        at: Nanos,
        /// The thread that polled.
        tid: c_int,
        /// Set if that poll is not over.
        is_polled: bool,
    },
}
