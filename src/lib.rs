//! Ends a process at its shutdown deadline, whatever its cleanup is stuck on, and
//! reports what was stuck.
//!
//! Programs that stop gracefully wait for their own cleanup. If cleanup hangs in
//! synchronous code (an endless loop, a deadlock, a write to a full pipe, a
//! foreign library), nothing in the program can stop the wait: timers on the same
//! event loop do not fire, `exit` runs handlers that hang too, and the process
//! stays until it gets a `SIGKILL`, which loses the reason.
//!
//! With `deadstop`, once a shutdown has begun, the process is gone by its
//! deadline. If the deadline had to end it, a report says what was stuck. Until
//! the deadline, nothing that the program still does is cut off.
//!
//! ```
//! use std::time::Duration;
//! use deadstop::{Panics, Phase, Shutdown};
//!
//! // First in `main`. SIGTERM and Ctrl-C begin the shutdown by default.
//! let shutdown = Shutdown::builder()
//!     .grace(Duration::from_secs(25))
//!     .panics(Panics::Shutdown)
//!     .install()?;
//!
//! // Every task has a name: the operator reads it when the task hangs.
//! shutdown
//!     .task("flush the log")
//!     .phase(Phase::FLUSH)
//!     .budget(Duration::from_secs(3))
//!     .on_shutdown(|cx| cx.progress("segment 12 of 40"))?;
//!
//! // ... the program runs ...
//!
//! let exit_code = shutdown.finish(); // `wait` for a program that signals end
//! # let _ = exit_code;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The module `guide` of the documentation begins with first steps.
//!
//! # Two levels
//!
//! - [`Watchdog`] alone, for a program that has its own shutdown: install it
//!   early, and [`arm`](Watchdog::arm) it before the cleanup begins.
//! - [`Shutdown`]: signals, panics and calls as triggers; tasks in
//!   [phases](Phase) with budgets and reserves; [scopes](Scope) that stop alone; a
//!   report of what ran, and a hang report of what did not return.
//!
//! [`drain`] has what programs need besides tasks: gates, worker pools, resources,
//! threads and child processes.
//!
//! # Three lines of defense
//!
//! | line | what | ends with |
//! | --- | --- | --- |
//! | 1 | the coordinator: each task on a thread that can be abandoned | the program's own status |
//! | 2 | the watchdog thread: kills registered children, then `exit_group` at the deadline | 124, or your own |
//! | 3 | the backup timer of the kernel: `SIGKILL` a little later | death by `SIGKILL` |
//!
//! Each line is independent of the one before.
//!
//! # What callers can rely on
//!
//! Each row names the test, in the folder `tests` of the repository, that fails without it.
//!
//! | question | answer | test |
//! | --- | --- | --- |
//! | When does the clock start? | Once, at the first trigger, at the instant that the handler, hook or call runs. | `clock_starts_once_with_the_first_request` |
//! | Can the deadline move? | Only earlier. There is no disarm; progress never extends it. | `deadline_that_is_brought_forward_is_so_for_all` |
//! | Until when is it armed? | Until the process is gone: `atexit` handlers and destructors are covered. | `atexit_never_returns` |
//! | Who runs the tasks? | Threads of the coordinator: a stuck `main` delays no task. | `main_thread_that_hangs_holds_up_nothing` |
//! | Who ends the process when all tasks are done? | The caller that waits, or `main` by returning. If nothing waits, the process is left alone until the deadline, and a warning says what is missing. [`WhenDone::Exit`] ends it at once. | `without_a_waiter_the_process_is_left_alone_until_the_deadline` |
//! | `main` returns while tasks run? | The exit waits for the tasks, until the deadline. | `main_that_returns_waits_for_the_tasks` |
//! | Something was left undone? | The exit status says so, however the process ends in time. | `exit_with_0_becomes_the_status_of_a_failure` |
//! | A task overruns its budget? | It is abandoned and named; the next phase begins. | `task_over_its_own_budget_is_abandoned_and_told_so` |
//! | Time for the last phases? | [`reserve`](Phase::reserve). `FLUSH` and `CLOSE` have one by default. | `reserve_is_there_when_the_phase_before_has_hung` |
//! | Two triggers race? | The first is the cause; all callers share one run and one report. | `simultaneous_requests_have_one_first_caller` |
//! | A second signal? | Only a second Ctrl-C or Ctrl-\\ from the terminal ends the process, by default. | `repeated_sigterm_is_reported_and_ends_nothing` |
//! | A task is added during the shutdown? | Accepted for the current and later phases, refused for earlier ones. | `task_may_change_its_own_and_later_phases_and_no_earlier_one` |
//! | A task panics? | It counts as failed, and the others go on. With `panic = "abort"`, the process aborts unless panics are a trigger. | `panics_do_not_stop_other_tasks` |
//! | `fork`? | The child has no watchdog. Calls there return errors; none hangs. | `child_refuses_a_task_and_says_so_once` |
//! | pid 1 in a container? | `SIGKILL` to oneself has no effect there; a real-time signal takes its place. | `pid_1` |
//!
//! # Exit statuses
//!
//! | how it ended | status |
//! | --- | --- |
//! | every task done | 0, or as [`CleanExit`] says; 101 if a panic was the cause |
//! | something left undone, in time | 1 ([`failure_status`](ShutdownBuilder::failure_status)) |
//! | the deadline | 124 ([`exit_status`](ShutdownBuilder::exit_status)) |
//! | the backup timer | death by `SIGKILL`: 137 in a shell; `_exit(137)` as pid 1 |
//! | a second signal that ends | death by that signal; `_exit(128 + n)` as pid 1 |
//!
//! # What the operator sees
//!
//! A line when the shutdown begins, one every five seconds or fifth of the grace,
//! and a summary: in the log if it accepts them, else on standard error
//! ([`Progress`](report::Progress)). A program that ends because its work is done prints nothing
//! unless that takes long. If the deadline must end the process, the hang report
//! comes shortly before.
//!
//! # What it cannot do
//!
//! deadstop cannot end a thread in uninterruptible sleep, release memory faster than
//! the kernel (20 to 90 ms per GiB), run on a suspended machine, or run tasks after
//! an abort (stack overflow, allocation failure). It does not flush what is not
//! registered, and protects nothing before `install`. The guide's page `limits` has
//! the whole list.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `shutdown` (default) | the coordinator |
//! | `platform` (default) | [`platform`]: the supervisor, its grace, and traps |
//! | `stacks` (default) | stacks of hung threads in the report (x86-64 and aarch64) |
//! | `cpp` | names of C++ functions in them as the source has them, and not as the linker |
//! | `signals`, `report` (default) | `arm_on`, and a report at the deadline, for the watchdog alone |
//! | `crossbeam-channel` | `Requested::receiver`, for `crossbeam::select!` |
//! | `health` | heartbeats, which find a process that hangs while it should run, and a server for probes and metrics |
//! | `fault` | the hook by which `deadstop-testkit` injects faults |
//! | `serde` | `Serialize` and `Deserialize` for the types of [`report`] |
//! | `terminal` | a live view on a terminal |
//! | `tokio` | `TaskBuilder::drive`, for futures on tokio |
//! | `tower` | a layer of the gate, for axum, hyper and tonic |
//!
//! `stacks` handles `SIGURG`, which is ignored by default, and calls the
//! handler that was there before. Shortly before the deadline it sends that signal
//! to threads that hang; a system call that sleeps or polls may then return
//! `EINTR`.
//!
//! # Systems
//!
//! Linux, with glibc or musl, and Windows (tried under wine; `health`, `terminal`, child
//! processes and `handover` are not there). On FreeBSD and macOS it was type-checked, and never
//! run. [`Protection`](protection::Protection) says which lines of defense the
//! system has: there is no backup timer on macOS, and on Windows it is a process that the
//! program starts by `guard::start`. On any other system the crate does not compile.

// docs.rs shows which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cause;
#[cfg(feature = "shutdown")]
mod cause_text;
#[cfg(feature = "shutdown")]
mod contain;
#[cfg(feature = "shutdown")]
mod coordinator;
#[cfg(feature = "shutdown")]
mod current_task;
#[cfg(feature = "shutdown")]
pub mod drain;
mod error;
mod exit_estimate;
#[cfg(feature = "shutdown")]
mod exit_hold;
#[cfg(feature = "fault")]
pub mod fault;
#[cfg(deadstop_fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(windows)]
pub mod guard;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(all(target_os = "linux", feature = "shutdown"))]
pub mod handover;
#[cfg(feature = "health")]
pub mod health;
mod install;
#[cfg(feature = "shutdown")]
pub mod label;
#[cfg(feature = "shutdown")]
mod lock;
#[cfg(feature = "shutdown")]
mod notify;
#[cfg(feature = "shutdown")]
mod phase_name;
#[cfg(feature = "report")]
mod pieces;
#[cfg(feature = "platform")]
pub mod platform;
mod primitives;
mod process;
#[cfg(feature = "shutdown")]
pub mod report;
#[cfg(feature = "shutdown")]
mod reporting;
#[cfg(feature = "shutdown")]
mod shutdown;
mod signal;
mod sys;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod syscalls;
mod threads;
mod trigger;
mod watchdog;

pub use cause::Cause;
#[cfg(feature = "shutdown")]
pub use coordinator::{CleanExit, Phase, Scope, TaskContext, TaskHandle, WhenDone};
pub use error::InstallError;
#[cfg(feature = "shutdown")]
pub use error::RegisterError;
#[cfg(feature = "shutdown")]
pub use label::label;
#[cfg(feature = "shutdown")]
pub use shutdown::{Shutdown, ShutdownBuilder};
pub use signal::Signal;
#[cfg(feature = "shutdown")]
pub use trigger::Panics;
#[cfg(feature = "signals")]
pub use trigger::SecondSignal;
pub use trigger::panic::arm_from_panic_hook;
pub use watchdog::{Watchdog, WatchdogBuilder};

/// Lines of defense: which are in place, how early the exit begins, and the system calls that
/// a seccomp filter must allow.
pub mod protection {
    pub use crate::exit_estimate::Teardown;
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    pub use crate::syscalls::{Occasion, SystemCall, system_calls};
    pub use crate::watchdog::{BackupTimer, Protection};
}

/// Signals: their senders, and what a program does with them besides the shutdown.
pub mod signals {
    pub use crate::cause::Sender;
    #[cfg(feature = "shutdown")]
    pub use crate::shutdown::Reloading;
    #[cfg(feature = "shutdown")]
    pub use crate::sys::command::unblock_signals;
}

/// Tasks and phases: the builder of a task, what its closure may return, and what can be
/// wrong with phases.
#[cfg(feature = "shutdown")]
pub mod task {
    pub use crate::coordinator::{BoxFuture, OnFailure, TaskBuilder, TaskResult};
    pub use crate::error::{PhasesError, UnknownPhaseError};
    pub use crate::phase_name::PhaseName;
}

/// Handles that resolve when the shutdown begins, reaches a phase, or has ended.
#[cfg(feature = "shutdown")]
pub mod wait {
    pub use crate::coordinator::{Ended, Reached, Requested};
    pub use crate::error::WaitError;
}

/// The README's code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
