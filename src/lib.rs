//! Ends a process at its deadline, whatever its cleanup is stuck on, and says
//! what was stuck.
//!
//! Programs that stop gracefully wait for their own cleanup. If cleanup hangs in
//! synchronous code (an endless loop, a deadlock, a write to a full pipe, a
//! foreign library), nothing in the program can stop the wait: timers on the
//! same event loop do not fire, `exit` runs handlers that hang too, and the
//! process stays until somebody sends `SIGKILL` and the reason is lost.
//!
//! With `deadstop`, once a shutdown has begun the process is gone by its
//! deadline; and if the deadline had to end it, you learn what was stuck.
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
//! // Every task has a name: it is what you read when the task hangs.
//! shutdown
//!     .task("flush the log")
//!     .phase(Phase::FLUSH)
//!     .budget(Duration::from_secs(3))
//!     .on_shutdown(|cx| cx.progress("segment 12 of 40"))?;
//!
//! // ... the program runs ...
//!
//! let exit_code = shutdown.finish(); // or `wait`, for one that only signals end
//! # let _ = exit_code;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Two levels
//!
//! - [`Watchdog`] alone, for a program that has a shutdown of its own: install
//!   it early, and [`arm`](Watchdog::arm) it before the cleanup begins.
//! - [`Shutdown`], on top of it: signals, panics and calls as triggers; tasks in
//!   [phases](Phase) with budgets and reserves; [scopes](Scope) that can stop
//!   alone; a report of what ran; a hang report of what did not end.
//!
//! # Three lines of defence
//!
//! | line | what | ends with |
//! | --- | --- | --- |
//! | 1 | the coordinator: every task on a thread that can be abandoned | the program's own status |
//! | 2 | the watchdog thread: `_exit` at the deadline | 124, or your own |
//! | 3 | the kernel: a timer that delivers `SIGKILL` 25 ms later | death by `SIGKILL` |
//!
//! Each is independent of the one before. [`Watchdog::defences`] says which are
//! in place.
//!
//! # What callers can rely on
//!
//! | question | answer |
//! | --- | --- |
//! | When does the clock start? | Once, at the first trigger, at the instant its handler, hook or call runs. |
//! | Can the deadline move? | Only earlier. There is no disarm, and progress never extends it. |
//! | Until when is it armed? | Until the process is gone: `atexit` handlers and destructors are covered. |
//! | Who runs the tasks? | Threads of the coordinator's: a stuck `main` holds nothing up. |
//! | `main` never waits? | When every task has ended, the process ends by itself, 50 ms later. |
//! | `main` returns too early? | The exit waits for the tasks, until the deadline. |
//! | A task overruns? | It is abandoned and named, and the next phase begins. |
//! | Time for the last phases? | [`reserve`](Phase::reserve): earlier phases cannot use it up. |
//! | Two triggers race? | The first is the cause; all callers share one run and one report. |
//! | A second signal? | More than 200 ms after the first it ends the process at once, by that signal. |
//! | What hung, and where? | The [hang report](HangReport) says so, where [`Sinks`] has it go; [`dump`](Shutdown::dump) says it at any time. |
//! | A task panics? | It counts as failed, and the others go on. |
//! | `fork`? | The child has no watchdog and knows it: signals take their default action there. |
//! | pid 1 in a container? | The kernel shields it from its own `SIGKILL`; a real-time signal takes its place. |
//!
//! # Exit statuses
//!
//! | how it ended | status |
//! | --- | --- |
//! | every task done | 0, or as [`CleanExit`] says; 101 if a panic was the cause |
//! | something left undone, but in time | 1 ([`failure_status`](ShutdownBuilder::failure_status)) |
//! | the deadline | 124 ([`exit_status`](ShutdownBuilder::exit_status)) |
//! | the kernel timer | death by `SIGKILL`: 137 in a shell; `_exit(137)` as pid 1 |
//! | a second signal | death by that signal; 128 and its number as pid 1 |
//!
//! # What the operator sees
//!
//! Meanwhile there is a line as it begins, one every five seconds or fifth of the
//! grace, and a summary: in the log if it takes that, else on standard error;
//! [`Progress`] has the choice. A program that ends because its work is done
//! says nothing unless that takes a while.
//!
//! ```text
//! deadstop: shutdown begins: SIGTERM from pid 1, uid 0; grace 25s
//! deadstop: 19.9 s left, phase flush: 1 task is running: "flush the log" 4.9 s, says "segment 12 of 40"; 1 waits
//! deadstop: shutdown is over after 7.31 s: unbind 0.00 s, drain 0.12 s, flush 7.19 s, close 0.00 s
//! deadstop: "flush the log" of flush took 7.19 s of 24.88 s: done
//! ```
//!
//! If the deadline has to end the process, the hang report comes shortly before.
//!
//! # What it costs
//!
//! Eight parked threads, with no wake-ups until a shutdown begins (one, for the
//! watchdog alone), and one kernel timer. Once armed, the watchdog wakes
//! some 50 times in the last 250 ms before the deadline, and `deadstop-log` four
//! times a second, for as long as it tells the progress. A task that says how far it
//! is ([`TaskContext::progress`]) allocates nothing, and pays less than 100 ns.
//!
//! | thread | does |
//! | --- | --- |
//! | `deadstop-watch` | waits for the deadline, and ends the process |
//! | `deadstop-signal` | is there for signals that all other threads block |
//! | `deadstop-run` | runs the phases; no code of yours runs on it |
//! | `deadstop-task` | is there for a task when the system gives no more threads |
//! | `deadstop-report` | writes the hang report; may block for ever, without harm |
//! | `deadstop-names` | finds the names for it, with the feature `stacks`; may block for ever, without harm |
//! | `deadstop-log` | tells the progress, and calls your logger; may block for ever, without harm |
//! | `deadstop-gauge` | estimates what it takes to go, only where [`gone_by`](WatchdogBuilder::gone_by) asks for it |
//! | `ctrl-c` | is the `ctrlc` crate's, where `SIGINT` is a trigger |
//!
//! # What it cannot do
//!
//! - Outrun the kernel: a process is gone when its last thread is. A thread in
//!   uninterruptible sleep (a dead network file system) stays until the kernel
//!   lets it go, and memory takes time to give back: 20 to 90 ms per GiB, which
//!   [`gone_by`](WatchdogBuilder::gone_by) allows for.
//! - Run on a machine that does not: `CLOCK_MONOTONIC` stands still while it is
//!   suspended.
//! - Be on time to the millisecond under every load. Starved of processor time,
//!   the watchdog may come after the kernel timer, and the status is then lost
//!   to `SIGKILL`.
//! - End a process that a tracer holds at its exit event, or that is in a frozen
//!   cgroup of version 1, before it is let go. Then it ends at once. In a frozen
//!   cgroup of version 2 the kernel timer ends it on time.
//! - Know better than a library that is preloaded in libc's place. Where one has
//!   put something else behind `syscall` or the clock, the kernel timer ends the
//!   process, and the status is lost; where it lies about the clock as the
//!   countdown begins, the deadline is as wrong as that.
//! - Run your tasks where the process aborts: a stack overflow, memory that is
//!   refused and a panic while unwinding end it at once, by `SIGABRT`.
//! - Keep a process for as long as its deadline allows where `RLIMIT_RTTIME` is
//!   zero: the watchdog is a real-time thread where it may be, and the kernel
//!   ends a process that has one and no time for it.
//! - End a stopped process that is pid 1, or whose core dumps may be finished; or
//!   keep its deadline if a seccomp filter refuses it both `exit_group` and the
//!   handler's return.
//! - Have both the deadline and the core of a crash: a dump that is still being
//!   written 25 ms after the deadline is cut off, unless it
//!   [may be finished](WatchdogBuilder::finish_core_dumps).
//! - Run your signal handler's successor: a handler that was there before
//!   `install` is called first, and one that never returns keeps ours from
//!   running.
//! - End child processes, flush what you did not register, or protect a process
//!   before `install`.
//!
//! # Platforms and features
//!
//! Linux; tested with glibc on x86-64. The code asks for the target's backend by
//! name, so that another is a file beside the first; on any other system it does
//! not compile, rather than protect less than it says.
//!
//! | feature | adds |
//! | --- | --- |
//! | `crossbeam-channel` | `Requested::receiver`, for `select!` |
//! | `fault` | the module `fault`: hangs to plant in your own program, and a harness that watches it end; the `guide` has a page on it |
//! | `serde` | `Serialize` for [`ShutdownReport`] and what is in it |
//! | `stacks` (default) | the stacks of what hangs, in the hang report |
//! | `terminal` | a live view of the progress in place of the lines, where they go to a terminal |
//!
//! `stacks` takes effect with glibc 2.35 and later. It handles one real-time
//! signal that nobody else does, and sends it to threads that hang, shortly
//! before the deadline.

#[cfg(not(deadstop_backend = "linux"))]
compile_error!("deadstop has no backend for this target yet; it runs on Linux");

mod cause;
mod coordinator;
mod error;
#[cfg(feature = "fault")]
pub mod fault;
#[cfg(deadstop_fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod gauge;
#[cfg(any(doc, doctest))]
pub mod guide;
mod hang_report;
mod installation;
mod kept;
mod kill_path;
#[cfg(test)]
mod kill_path_tests;
mod report;
mod shutdown;
mod signal;
mod sync;
mod sys;
mod trigger;
mod watchdog;

pub use cause::{Cause, Sender};
pub use coordinator::{
    BoxFuture, CleanExit, OnFailure, Outcome, Phase, PhaseName, PhaseReport, Requested, Scope,
    ShutdownReport, Skip, TaskBuilder, TaskContext, TaskHandle, TaskReport, TaskResult,
};
pub use error::{InstallError, PhasesError, TaskRefused, WaitError};
pub use gauge::Teardown;
pub use hang_report::{
    Begun, Culprit, Ending, HangReport, HungPhase, HungTask, HungThread, ParseReportError,
    ReportKind, StackFrame, TaskState, ThreadDetails, ThreadStack, Unlisted,
};
pub use report::{Progress, Sinks};
pub use shutdown::{Shutdown, ShutdownBuilder, UnknownPhase};
pub use signal::Signal;
pub use sys::command::unmask_signals;
pub use trigger::Panics;
pub use watchdog::{Defences, KernelTimer, Need, Watchdog, WatchdogBuilder};

/// The README's code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
