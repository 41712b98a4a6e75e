//! Drives the coordinator's state machine: threads, the one lock, calls of foreign
//! code, and what is reported.
//!
//! ```text
//!  handles ──events──▶ Machine (under the lock) ──actions──▶ carry_out ─▶ reporting
//!                         ▲                                     │
//!  task threads ──────────┘◀──── tasks, wakers, discards ───────┘
//!  deadstop-run: time, the deadline, more threads, the end
//! ```
//!
//! No foreign code runs under the lock, and none on `deadstop-run`.

mod carry_out;
mod completion;
mod coordinator;
mod end;
mod execute;
mod foreign_calls;
mod guard;
mod handler_checks;
mod machine;
mod milestone;
mod name_threads;
mod no_waiter;
mod publish_pending;
mod replaced_handlers;
mod report_end;
mod run_duty;
mod run_thread;
mod scope_handle;
mod settings;
mod task_thread;
mod thread_counts;
mod waiters;
mod waker_list;
mod wakers;
mod work;

pub(crate) use self::coordinator::Coordinator;
pub(crate) use self::end::{WaiterGuard, exit_with};
pub(super) use self::milestone::Milestone;
pub(super) use self::scope_handle::ScopeHandle;
pub(crate) use self::settings::Settings;
