//! Ends a process at its shutdown deadline, whatever its cleanup is stuck on, and
//! reports what was stuck.
//!
//! Programs that stop gracefully wait for their own cleanup. Cleanup can hang in
//! synchronous code: in an endless loop, a deadlock, a write to a full pipe, a
//! foreign library. Then timers on the same event loop do not fire, and `exit` runs
//! handlers that hang too. The process stays until it gets a `SIGKILL`, which loses
//! the reason.
//!
//! With `deadstop`, the process ends by its deadline once a shutdown has begun. If
//! the deadline had to end it, a report says what was stuck. deadstop cuts off
//! nothing that the program still does before the deadline.
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
//! let exit_code = shutdown.finish(); // a server calls `wait` instead
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
//! Besides tasks, [`drain`] has gates, worker pools, resources, threads and child
//! processes.
//!
//! # Three lines of defense
//!
//! | line | what | ends with |
//! | --- | --- | --- |
//! | 1 | the coordinator: each task on a thread that can be abandoned | the program's own status |
//! | 2 | the watchdog thread: kills registered children, then `exit_group` at the deadline | 124, or your own |
//! | 3 | the backup timer of the kernel: `SIGKILL` shortly after the deadline | death by `SIGKILL` |
//!
//! Each line works when the lines before it fail.
//!
//! # What callers can rely on
//!
//! Each row names a test in the folder `tests` of the repository. That test fails if the
//! answer is no longer true.
//!
//! | question | answer | test |
//! | --- | --- | --- |
//! | When does the clock start? | At the first trigger, at the instant when the signal handler, panic hook or call runs. | `second_request_does_not_move_the_deadline` |
//! | Can the deadline move? | Only earlier. There is no disarm; progress never extends it. | `earlier_deadline_applies_to_every_phase_and_task` |
//! | Does the deadline cover `atexit` handlers and destructors? | Yes: it holds until the process is gone. | `atexit_never_returns` |
//! | Which threads run the tasks? | Threads of the coordinator. A stuck `main` delays no task. | `deadlocked_main_thread_does_not_delay_the_shutdown` |
//! | What ends the process when all tasks are done? | The caller that waits, or `main` by returning. If nothing waits, the process goes on until the deadline, and a warning says which call is missing. [`WhenDone::Exit`] ends it at once. | `process_without_waiter_runs_until_the_deadline_by_default` |
//! | What if `main` returns while tasks run? | The exit waits for the tasks, until the deadline. | `return_from_main_waits_for_running_tasks` |
//! | What if a task fails or does not run? | The exit status is that of a failure, even if the program calls `exit(0)`. | `exit_with_0_becomes_1_if_a_task_fails` |
//! | What if a task exceeds its budget? | The coordinator abandons it and reports its name. The next phase begins. | `task_that_exceeds_its_budget_is_abandoned_and_can_observe_it` |
//! | How do the last phases get time? | By a [`reserve`](Phase::reserve). `FLUSH` and `CLOSE` have one by default. | `phase_has_its_reserve_after_an_earlier_phase_hung` |
//! | What if two triggers race? | The first is the cause. All callers share one run and one report. | `exactly_one_of_many_simultaneous_requests_is_first` |
//! | What does a second signal do? | Only a second Ctrl-C or Ctrl-\\ from the terminal ends the process, by default. | `repeated_sigterm_is_logged_and_the_shutdown_goes_on` |
//! | Can tasks be added during the shutdown? | Yes, to the current phase and later ones. | `task_can_change_its_own_and_later_phases_but_no_earlier_one` |
//! | What if a task panics? | It counts as failed, and the others go on. With `panic = "abort"`, the process aborts unless panics are a trigger. | `panic_of_a_task_does_not_stop_other_tasks` |
//! | What about `fork`? | The child has no watchdog. Calls there return errors; none hangs. | `child_refuses_tasks_and_prints_the_reason_once` |
//! | What about pid 1 in a container? | The kernel ignores a `SIGKILL` that pid 1 sends to itself. The backup timer sends a real-time signal instead. | `pid_1` |
//!
//! # Exit statuses
//!
//! | how it ended | status |
//! | --- | --- |
//! | every task was done | 0, or as [`CleanExit`] says |
//! | every task was done; the cause was a panic | 101 |
//! | every task was done; the cause was a stalled heartbeat | 1 ([`failure_status`](ShutdownBuilder::failure_status)) |
//! | before the deadline, with a task that failed or did not run | 1 ([`failure_status`](ShutdownBuilder::failure_status)) |
//! | by the watchdog, at the deadline | 124 ([`exit_status`](ShutdownBuilder::exit_status)) |
//! | by the backup timer | death by `SIGKILL`: 137 in a shell; `_exit(137)` as pid 1 |
//! | by a second signal | death by that signal; `_exit(128 + n)` as pid 1 |
//!
//! # What the operator sees
//!
//! deadstop writes a line when the shutdown begins, a progress line every five seconds (more often
//! with a short grace), and a summary. They go to the log if it accepts them, else to standard error
//! ([`Progress`](report::Progress)). A program that ends because its work is done prints nothing
//! unless its tasks take long. If the deadline must end the process, deadstop writes the hang
//! report shortly before.
//!
//! # What it cannot do
//!
//! - It cannot end a thread in uninterruptible sleep.
//! - It cannot release memory faster than the kernel, which takes 20 to 90 ms per GiB.
//! - It does not run while the machine is suspended.
//! - It runs no tasks after an abort (stack overflow, allocation failure).
//! - It flushes only what the program registers as a task.
//! - It protects nothing before `install`.
//!
//! The guide's page `limits` has the whole list.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `shutdown` (default) | the coordinator |
//! | `platform` (default) | [`platform`]: recognizes the supervisor, its grace period, and setups in which signals do not arrive |
//! | `stacks` (default) | stacks of hung threads in the report (x86-64 and aarch64) |
//! | `cpp` | demangled names of C++ functions in these stacks |
//! | `signals` (default) | `arm_on`: signals as triggers for the watchdog alone |
//! | `report` (default) | a report at the deadline for the watchdog alone |
//! | `crossbeam-channel` | `Requested::receiver`, for `crossbeam::select!` |
//! | `health` | heartbeats that notice a hang before any shutdown, and a server for probes and metrics |
//! | `fault` | the hook by which `deadstop-testkit` injects faults |
//! | `serde` | `Serialize` and `Deserialize` for the types of [`report`] |
//! | `terminal` | a live view on a terminal |
//! | `tokio` | `TaskBuilder::drive`, for futures on tokio |
//! | `tower` | a layer of the gate, for axum, hyper and tonic |
//!
//! The feature `stacks` installs a handler for `SIGURG`, a signal that is ignored by
//! default; the handler calls the one that was there before. Shortly before the deadline
//! deadstop sends `SIGURG` to threads that hang. A system call that sleeps or polls may
//! then return `EINTR`.
//!
//! # Systems
//!
//! | system | state |
//! | --- | --- |
//! | Linux with glibc or musl | complete |
//! | Windows | tested under wine; without `health`, `terminal`, child processes and `handover` |
//! | FreeBSD, macOS | type-checked, never run |
//! | any other | does not compile |
//!
//! [`Protection`](protection::Protection) says which lines of defense the system has. macOS has
//! no backup timer. On Windows the backup timer is a process that the program starts by
//! `guard::start`.

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
pub use trigger::panic::{PanicHookGuard, arm_from_panic_hook};
pub use watchdog::{Watchdog, WatchdogBuilder};

/// Lines of defense that are in place, the time before the deadline at which the exit begins,
/// and the system calls that a seccomp filter must allow.
pub mod protection {
    pub use crate::exit_estimate::Teardown;
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    pub use crate::syscalls::{Occasion, SystemCall, system_calls};
    pub use crate::watchdog::{BackupTimer, Protection};
}

/// Senders of signals, signals that reload, and the signal mask of child processes.
pub mod signals {
    pub use crate::cause::Sender;
    #[cfg(feature = "shutdown")]
    pub use crate::shutdown::Reloading;
    #[cfg(feature = "shutdown")]
    pub use crate::sys::command::unblock_signals;
}

/// Builder of a task, the results that its closure may return, and errors of phases.
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
