//! Holds the exit of a process while its shutdown is under way.
//!
//! `main` that returns and a library that calls `exit` would cut the tasks off.
//! The exit handler holds the thread that exits until the shutdown is over; the
//! deadline still stands. If something was left undone, the process then ends
//! with the shutdown's status although `exit` was called with 0.
//!
//! Limits:
//!
//! - The C library calls exit handlers in reverse order. Ours is registered at
//!   install and again as the shutdown begins, so that the tasks end before the
//!   handlers of libraries that were set up in between. A library that registers
//!   one later than that is torn down under the tasks.
//! - A signal handler cannot register. After a signal that is done by the first of
//!   `deadstop-run`, `Requested::wait` and another request. A `main` that polls
//!   `is_requested` and returns within microseconds of the signal may be faster.
//! - Thread-locals of the thread that exits are destroyed before any exit handler
//!   runs, those of `main` too when it returns. A task must not use them.
//! - Other threads that call C's `exit` meanwhile are held too: each gets a registration
//!   of its own, and leaves one for the next. `std::process::exit` parks a second caller by
//!   itself, also if the caller is a task, which then never returns.
//! - A task that calls it has failed, and its thread is held like any other.
//! - A call of `quick_exit` is held like one of `exit`. Windows and macOS do not have it. The
//!   handler does not see its status. `_exit` and `abort` call no handler.
//! - With glibc the handler sees the status that `exit` was called with. With
//!   other C libraries it does not, and then a shutdown that left something undone
//!   decides.
//! - Where the shutdown's status takes the place of 0, C's streams are flushed, and
//!   the exit handlers that were registered before `install` are not called.

use std::sync::Arc;

use crate::coordinator::{Coordinator, exit_with};
use crate::current_task;
use crate::process::{self, FIRST, WATCH};
use crate::report::Outcome;
use crate::sys::atexit::Exit;
#[cfg(target_os = "linux")]
use crate::sys::main_signal_stack;
use crate::sys::published::Published;
use crate::sys::{atexit, standard_error};
use deadstop_core::buffer::TextBuffer;

/// The number of threads that may call `exit` at the same moment while the shutdown runs.
const THREADS: usize = 8;

/// The coordinator that an exit waits for.
static COORDINATOR: Published<Arc<Coordinator>> = Published::nothing();

/// Sets the coordinator that an exit waits for.
pub(crate) fn hold_for(coordinator: &Arc<Coordinator>) {
    COORDINATOR.replace(Box::new(Arc::clone(coordinator)));
}

/// Registers the exit handler.
pub(crate) fn register() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    main_signal_stack::remember();
    atexit::register(hold_exit)
}

/// Registers the exit handler again, as the shutdown begins.
pub(crate) fn register_first() {
    for _ in 0..THREADS {
        // The registration of `install` is still there.
        let _ = register();
    }
}

/// Holds the thread that is leaving the process.
fn hold_exit(exit: Exit) {
    if !WATCH.is_owner() {
        return;
    }
    let Some(coordinator) = COORDINATOR.get() else {
        return;
    };
    #[cfg(target_os = "linux")]
    main_signal_stack::restore();
    // The task would wait for itself, and the tasks after it are not done.
    current_task::leave(&**coordinator, || {
        Outcome::Failed("it called exit, which waits for the other tasks".to_owned())
    });
    if !FIRST.is_some() {
        warn_of_tasks_without_shutdown(coordinator.never_requested().unwrap_or(0));
        run_all_exit_actions();
        return;
    }
    if coordinator.completion.get().is_none() {
        // For the next thread that calls `exit`: this one has used its registration up.
        let _ = register();
    }
    let Ok(end) = coordinator.wait_for_end() else {
        return;
    };
    run_all_exit_actions();
    if exit.status.unwrap_or(0) == 0 && end.status() != 0 {
        if !exit.is_quick {
            atexit::flush_streams();
        }
        deadstop_core::sys::terminate(end.status().into());
    }
}

/// Ends the process after its shutdown if this is the main thread; returns on other
/// threads. For a panic hook that must not return because panics abort: such a
/// panic is the end of `main`, and `main` that ends is what ends the process.
pub(crate) fn exit_after_panic_of_main() {
    let is_main = deadstop_core::tid() == deadstop_core::pid();
    if !is_main || !WATCH.is_owner() || current_task::is_task() {
        return;
    }
    let Some(coordinator) = COORDINATOR.get() else {
        return;
    };
    if let Ok(end) = coordinator.wait_for_end() {
        exit_with(coordinator.settings.clean_exit, &end);
    }
}

/// Kills cgroups and process groups, removes files, and restores the terminal.
fn run_all_exit_actions() {
    process::kill_cgroups_and_remove_files();
    WATCH.run_exit_actions();
}

/// Says that `main` has returned without a shutdown: by an early `?`, say.
fn warn_of_tasks_without_shutdown(tasks: usize) {
    if tasks == 0 {
        return;
    }
    let mut line = TextBuffer::<160>::new();
    line.text("deadstop: the process exits and ")
        .number(tasks as u64)
        .text(match tasks {
            1 => " task was never asked for",
            _ => " tasks were never asked for",
        })
        .text("; call finish() before main returns\n");
    standard_error::write_line(line.as_bytes());
}
