//! The coordinator: runs the cleanup in phases, on threads it can do without.
//!
//! ```text
//!  trigger ──▶ run ──────▶ pool ──▶ task     a thread for each, abandonable
//!               │  ▲                 │
//!               │  └──── steps ──────┘
//!               ├─▶ registry: who is left    plan: in what order, how long
//!               └─▶ end: whoever waits       log: what is said meanwhile
//! ```
//!
//! Nothing of the user's runs on the coordinator's own thread: not a task, not
//! a logger, not a waker. So whatever a task does, the next phase begins and
//! the end comes.

pub(crate) mod current;

mod clock;
mod core;
mod end;
mod future;
mod outcome;
mod phase;
mod plan;
mod pool;
mod registry;
mod requested;
mod run;
mod scope;
mod shutdown_report;
mod state;
mod summary;
mod task;

pub(crate) use self::core::{Core, Settings};
pub(crate) use self::end::{Final, exit_with};
pub(crate) use self::plan::Plan;
pub(crate) use self::summary::Escaped;

pub use self::end::CleanExit;
pub use self::future::BoxFuture;
pub use self::outcome::{Outcome, Skip, TaskResult};
pub use self::phase::{OnFailure, Phase, PhaseName};
pub use self::requested::Requested;
pub use self::scope::Scope;
pub use self::shutdown_report::{PhaseReport, ShutdownReport, TaskReport};
pub use self::task::{TaskBuilder, TaskContext, TaskHandle};
