//! The machine as the driver uses it: with what a task shares, and what it runs.

use std::sync::Arc;

use crate::cause::Cause;
use crate::coordinator::machine;
use crate::coordinator::task_context::Body;
use crate::coordinator::task_shared::TaskShared;

pub(super) type Machine = machine::Machine<Arc<TaskShared>, Body>;
pub(super) type Action = machine::Action<Arc<TaskShared>, Body>;

/// A task that starts now.
pub(super) struct Started {
    pub(super) start: machine::Start<Arc<TaskShared>, Body>,
    /// The cause of its run, unless the thread has run a task of the same run before.
    pub(super) cause: Option<Arc<Cause>>,
}
