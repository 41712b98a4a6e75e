//! Process-wide state, and how a child of `fork` starts with it.
//!
//! A child of `fork` has one thread, and inherits every lock as it was. So no
//! state here is protected by a lock: each piece is an atomic word, or a value that is
//! published through one. [`reset_after_fork`] runs in the child before `fork`
//! returns there, and gives the child a generation of its own.
//!
//! | call in a child of fork | answer |
//! | --- | --- |
//! | `install` | works, and begins anew |
//! | `Watchdog::arm`, `arm_within` | do nothing |
//! | `Watchdog::deadline`, `protection` | `None`; nothing is in place |
//! | `Shutdown::installed`, `report`, `cause` | `None` |
//! | `request`, `is_requested`, `status_report`, `TaskHandle::cancel` | `false` |
//! | `on_shutdown` | `RegisterError::Forked` |
//! | `wait`, `finish` | `ExitCode::FAILURE` |
//! | `wait_and_exit`, `finish_and_exit` | `_exit(1)` |
//! | `requested`, `reached`, `ended` | resolve at once |
//! | `Pool::execute`, `submit` | the job, with `Why::Closed` |
//! | `JobHandle::join`, `KeptThread::join` | an error at once |
//! | `Child::wait`, `signal` | `None`; an error |
//! | a signal that was handled | its default action |
//! | `exit` | is not held |
//!
//! The first of these calls that changes nothing because of the fork writes one
//! line to standard error.
//!
//! # Orderings
//!
//! `GENERATION` is changed by a child's only thread.

mod claim;
#[cfg(feature = "signals")]
pub(crate) mod first_signal;
#[cfg(all(feature = "signals", feature = "report"))]
pub(crate) mod first_trigger;
#[cfg(feature = "shutdown")]
mod per_process;
#[cfg(feature = "shutdown")]
pub(crate) mod report_requests;
#[cfg(all(unix, feature = "shutdown"))]
pub(crate) mod shared_sockets;
#[cfg(feature = "signals")]
pub(crate) mod signal_sets;
#[cfg(all(test, feature = "shutdown"))]
mod tests;

pub(crate) use self::claim::{Claim, Claimed};
#[cfg(feature = "shutdown")]
pub(crate) use self::per_process::PerProcess;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::sys::{fork, standard_error};
use deadstop_core::buffer::TextBuffer;
use deadstop_core::kill_path::Watchdog;
use deadstop_core::threads::own;

/// The process's watchdog.
pub(crate) static WATCH: Watchdog = Watchdog::new();

/// The first trigger of the process, for reports.
#[cfg(all(feature = "signals", feature = "report"))]
pub(crate) static FIRST: first_trigger::FirstTrigger = first_trigger::FirstTrigger::none();

/// The signals of the process.
#[cfg(feature = "signals")]
pub(crate) static SIGNALS: signal_sets::Signals = signal_sets::Signals::none();

/// The running and pending tasks. The coordinator and the tasks write it.
#[cfg(feature = "shutdown")]
pub(crate) static ROSTER: deadstop_core::roster::Roster = deadstop_core::roster::Roster::empty();

/// The reports that were requested.
#[cfg(feature = "shutdown")]
pub(crate) static REPORT_REQUESTS: report_requests::Requests = report_requests::Requests::none();

/// The files that the process removes at its end.
#[cfg(feature = "shutdown")]
pub(crate) static FILES: deadstop_core::files::FileList = deadstop_core::files::FileList::empty();

/// The files by which the process kills the cgroups of its children at its end.
#[cfg(all(feature = "shutdown", target_os = "linux"))]
pub(crate) static CGROUPS: deadstop_core::files::FileList = deadstop_core::files::FileList::empty();

/// The state that `deadstop-notify` reports to the service manager.
#[cfg(feature = "shutdown")]
pub(crate) static NOTIFY: crate::notify::Notify = crate::notify::Notify::nothing();

/// Counts the events that `deadstop-run` wakes for: the triggers, and what a coordinator
/// wants of it. A count of its own: what others wait for must not wake that thread.
#[cfg(feature = "shutdown")]
pub(crate) static RUN_WAKEUPS: deadstop_core::EventCount = deadstop_core::EventCount::new();

/// Counts the triggers.
#[cfg(feature = "shutdown")]
pub(crate) static TRIGGERED: deadstop_core::EventCount = deadstop_core::EventCount::new();

/// The number of forks between the first `install` and this process, plus 1.
static GENERATION: AtomicU32 = AtomicU32::new(FIRST_GENERATION);

const FIRST_GENERATION: u32 = 1;

/// Set if the parent had a watchdog, and the child has not yet reported that it has none.
static LOST_BY_FORK: AtomicBool = AtomicBool::new(false);

/// Set once the fork handler is registered. A child inherits it.
static HAS_FORK_HANDLER: AtomicBool = AtomicBool::new(false);

/// Does what comes after every task, or shortly before the deadline: kills the cgroups of
/// children, and removes files. May block; allocates nothing.
#[cfg(feature = "shutdown")]
pub(crate) fn kill_cgroups_and_remove_files() {
    #[cfg(target_os = "linux")]
    CGROUPS.take_all(crate::sys::cgroup::kill);
    FILES.remove_all();
}

/// Wakes `deadstop-run`, and the threads that wait for a trigger. Async-signal-safe;
/// preserves `errno`.
#[cfg(feature = "shutdown")]
pub(crate) fn wake_for_trigger() {
    RUN_WAKEUPS.advance();
    TRIGGERED.advance();
}

/// Requests a report. Async-signal-safe, `errno` included.
#[cfg(feature = "shutdown")]
pub(crate) fn request_report(request: report_requests::Request) {
    REPORT_REQUESTS.add(request);
    WATCH.notify();
}

/// Returns a number that differs between a process and its children.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Acquire)
}

/// Returns `true` in a child of a process that had called `install`.
#[cfg(feature = "shutdown")]
pub(crate) fn is_forked() -> bool {
    generation() != FIRST_GENERATION
}

/// Registers [`reset_after_fork`], once.
pub(crate) fn register_fork_handler() -> std::io::Result<()> {
    if !HAS_FORK_HANDLER.load(Ordering::Acquire) {
        fork::notify_child(reset_after_fork)?;
        HAS_FORK_HANDLER.store(true, Ordering::Release);
    }
    Ok(())
}

/// Makes the state that of a process without a watchdog. Async-signal-safe.
extern "C" fn reset_after_fork() {
    GENERATION.fetch_add(1, Ordering::Release);
    LOST_BY_FORK.fetch_or(WATCH.is_installed(), Ordering::AcqRel);
    WATCH.reset_after_fork();
    own::reset_after_fork();
    #[cfg(feature = "signals")]
    SIGNALS.reset_after_fork();
    #[cfg(all(feature = "signals", feature = "report"))]
    FIRST.reset_after_fork();
    #[cfg(feature = "shutdown")]
    FILES.reset_after_fork();
    #[cfg(all(feature = "shutdown", target_os = "linux"))]
    CGROUPS.reset_after_fork();
    #[cfg(feature = "shutdown")]
    NOTIFY.reset_after_fork();
}

/// Says on standard error, once, that this process has no watchdog because its
/// parent installed it. Does nothing in any other process. Async-signal-safe.
#[cold]
pub(crate) fn warn_if_forked() {
    if !LOST_BY_FORK.swap(false, Ordering::AcqRel) {
        return;
    }
    let mut line = TextBuffer::<256>::new();
    line.text("deadstop: pid ")
        .number(deadstop_core::pid().unsigned_abs().into())
        .text(
            " is a child of fork and has no watchdog and no shutdown; \
             call install after forking or daemonizing\n",
        );
    standard_error::write_line(line.as_bytes());
}

/// Forgets that the parent had a watchdog: this process installs its own.
pub(crate) fn forget_lost_watchdog() {
    LOST_BY_FORK.store(false, Ordering::Release);
}
