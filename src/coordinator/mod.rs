//! The coordinator: runs the cleanup in phases, on threads that can be abandoned.
//!
//! ```text
//!  handles (task, scope, milestones) ──▶ driver ─┬▶ machine ──▶ plan
//!                                                └▶ task_context ──▶ task_shared
//! ```
//!
//! [`machine`] decides: a state machine without threads, locks or clock. [`driver`]
//! carries out: threads, the lock, foreign code. No foreign code runs on the
//! coordinator's own thread, not a task, not a logger, not a waker; so the next phase
//! begins and the end comes whatever a task does.

mod deadline;
mod driver;
mod future;
mod machine;
mod milestones;
mod phase;
mod plan;
mod roster_entry;
mod scope;
mod task_builder;
mod task_context;
mod task_handle;
mod task_result;
mod task_shared;
mod write_latch;

pub(crate) use self::driver::{Coordinator, Settings, WaiterGuard, exit_with};
pub(crate) use self::plan::Plan;

pub use self::future::BoxFuture;
pub use self::machine::{CleanExit, WhenDone};
pub use self::milestones::{Ended, Reached, Requested};
pub use self::phase::{OnFailure, Phase};
pub use self::scope::Scope;
pub use self::task_builder::TaskBuilder;
pub use self::task_context::TaskContext;
#[cfg(feature = "fault")]
pub(crate) use self::task_context::before_each_task;
pub use self::task_handle::TaskHandle;
pub use self::task_result::TaskResult;
