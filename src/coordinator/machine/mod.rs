//! Decides what a shutdown does next: a state machine without threads, locks, clock
//! or logger. Events go in through its methods, each with the time; decisions come
//! out as [`Action`]s.
//!
//! A task is in exactly one state:
//!
//! ```text
//!                 ┌──────────────▶ Cancelled
//!                 │      ┌───────▶ Skipped       no time, disabled phase, ...
//!  register ──▶ Pending ─┤
//!     │           │      └───────▶ Queued ──┬──▶ Running ──┬──▶ Done, Failed, Panicked
//!     ▼           │        ▲                │              └──▶ OverBudget (abandoned)
//!  Refused        └────────┘ phase begins   └──▶ Cancelled, Skipped
//! ```
//!
//! | state | where it is kept | what moves it on |
//! | --- | --- | --- |
//! | `Pending` | `tasks`, its scope's list of its phase | its phase begins, `cancel` |
//! | `Queued` | `tasks`, its run's `queue` | `start_next`, `cancel`, the phase's time is over |
//! | `Running` | `tasks`, its run's `running` | `task_ended`, its budget or its phase's time is over |
//! | an [`Outcome`](crate::report::Outcome) | the report of its run | nothing |
//!
//! A run is the shutdown of one scope with the scopes in it; the root scope's run is
//! the whole shutdown. Which run a task belongs to is decided by the scopes' states
//! (see [`scope_tree`]), which change in the same call that requests the stop.

mod action;
mod completion;
mod end;
mod ids;
mod index;
mod pending;
mod phases;
mod policy;
mod run;
mod scaling;
mod scope_tree;
mod scopes;
mod slab;
mod sorted_set;
mod state;
mod task;
mod tasks;
#[cfg(test)]
mod tests;

pub(super) use self::action::Action;
pub(super) use self::ids::{RunId, ScopeId, TaskId};
pub(super) use self::policy::Rules;
pub use self::policy::{CleanExit, WhenDone};
pub(super) use self::scaling::{STARTUP_DELAY, ThreadScaling};
pub(super) use self::scopes::{Request, ScopeOutcome};
pub(super) use self::state::Machine;
pub(super) use self::task::{NewTask, Refusal, Shared, Start};
