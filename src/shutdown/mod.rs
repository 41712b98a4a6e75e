//! The handle of a coordinated shutdown.

mod builder;
mod checks;
mod detached;
mod install;
mod notify;
#[cfg(feature = "platform")]
pub(crate) mod platform;
#[cfg(feature = "platform")]
mod platform_setters;
mod startup_log;

use std::fmt;
use std::panic::Location;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use crate::cause::{Cause, Sender};
use crate::coordinator::{
    self, Coordinator, Ended, Reached, Requested, Scope, TaskBuilder, WaiterGuard,
};
use crate::current_task;
use crate::error::{UnknownPhaseError, WaitError};
use crate::phase_name::PhaseName;
use crate::process::report_requests::Request;
use crate::process::{self, WATCH};
use crate::report::{Outcome, ShutdownReport};
use crate::signal::Signal;
use crate::sys::published::Published;
use crate::sys::signals::Origin;
use crate::trigger;
use crate::watchdog::Watchdog;

pub use self::builder::ShutdownBuilder;
pub use self::notify::Reloading;

/// The process's shutdown, for code that has no handle.
static INSTALLED: Published<Shutdown> = Published::nothing();

/// A coordinated shutdown: cleanup in phases, on threads that can be abandoned,
/// backed by the watchdog.
///
/// A `Shutdown` is a handle: cloning it is cheap, it can be sent and shared,
/// and dropping every clone changes nothing. There is one per process, and
/// [`installed`](Self::installed) finds it.
///
/// The shutdown begins with the first trigger: a signal, a panic, or a
/// [request](Self::request). At that instant the watchdog is armed, and the process ends at its
/// deadline at the latest. The deadline also covers `atexit` handlers, destructors and the rest
/// of `main`.
///
/// When every task has ended, the caller that waits ([`wait`](Self::wait),
/// [`finish`](Self::finish), [`ended`](Self::ended)) ends the process, or `main` does by
/// returning. If nothing waits, deadstop leaves the process alone until the deadline, because
/// the application may still be working; [`WhenDone::Exit`](crate::WhenDone::Exit) changes
/// that. If `main` returns or calls `exit` while tasks run, the exit waits for them until the
/// deadline.
///
/// A child of `fork` has no shutdown. Every method returns at once there: an error, `false`,
/// `None`, or [`ExitCode::FAILURE`].
///
/// Only [`is_requested`](Self::is_requested), [`set_ready`](Self::set_ready) and
/// [`status_report`](Self::status_report) are async-signal-safe.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::{Phase, Shutdown};
///
/// let shutdown = Shutdown::builder()
///     .grace(Duration::from_secs(25))
///     .install()?;
///
/// shutdown
///     .task("flush the log")
///     .phase(Phase::FLUSH)
///     .on_shutdown(|cx| {
///         cx.progress("writing");
///     })?;
///
/// // ... the program runs, until SIGTERM, Ctrl-C, or it is done:
/// let exit_code = shutdown.finish();
/// # let _ = exit_code;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shutdown {
    pub(crate) coordinator: Arc<Coordinator>,
    watchdog: Watchdog,
}

impl Shutdown {
    /// Starts describing a shutdown with a grace of ten seconds, begun by
    /// `SIGTERM` and `SIGINT`.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder::new()
    }

    /// Returns the process's shutdown, if one is installed. A library, or a module far from
    /// `main`, can register its tasks with it.
    pub fn installed() -> Option<Self> {
        match WATCH.is_owner() {
            true => INSTALLED.get().cloned(),
            false => None,
        }
    }

    /// Starts describing a task. Every task has a name: the name is what an
    /// operator reads when the task hangs.
    #[track_caller]
    pub fn task(&self, name: impl Into<String>) -> TaskBuilder {
        TaskBuilder::new(&self.coordinator, name.into(), Location::caller())
    }

    /// Returns the scope called `name`, and creates it if needed. A scope is a group of tasks
    /// that the program can also stop on its own. Slashes make scopes in scopes. The empty name
    /// is the whole shutdown, which only [`request`](Self::request) stops.
    pub fn scope(&self, name: &str) -> Scope {
        Scope::new(&self.coordinator, name, false)
    }

    /// Like [`scope`](Self::scope), but detached: the scope does not stop with the
    /// shutdown. One of the shutdown's tasks stops it.
    pub fn detached_scope(&self, name: &str) -> Scope {
        Scope::new(&self.coordinator, name, true)
    }

    /// Begins the shutdown and returns at once: `true` if this call started it,
    /// `false` if it had already begun.
    ///
    /// The clock starts and the watchdog is armed before this returns. In a child
    /// of `fork` it does nothing and returns `false`. In a signal handler, use
    /// [`signals`](ShutdownBuilder::signals) instead: this call takes a lock.
    pub fn request(&self, cause: Cause) -> bool {
        self.begin(0, cause, |coordinator| coordinator.begin_now())
    }

    /// Like [`request`](Self::request), but starts from `phase`: the tasks of
    /// earlier phases are skipped. A shutdown that has already begun is not
    /// changed.
    ///
    /// # Errors
    ///
    /// Fails if there is no such phase. The shutdown does not begin.
    pub fn request_from(
        &self,
        phase: impl Into<PhaseName>,
        cause: Cause,
    ) -> Result<bool, UnknownPhaseError> {
        let phase = phase.into();
        let Some(phase) = self.coordinator.plan.index_of(&phase) else {
            return Err(UnknownPhaseError { phase });
        };
        Ok(self.begin(phase, cause, |coordinator| coordinator.begin_now()))
    }

    /// Returns `true` once the shutdown has begun. Async-signal-safe.
    #[inline]
    pub fn is_requested(&self) -> bool {
        self.coordinator.is_requested()
    }

    /// Returns a handle that resolves when the shutdown begins: a future on any
    /// runtime, with [`wait`](Requested::wait) for threads.
    pub fn requested(&self) -> Requested {
        Requested::of_program(&self.coordinator)
    }

    /// Returns a handle that resolves when `phase` begins, or is skipped: a future
    /// on any runtime, with [`wait`](Reached::wait) for threads.
    ///
    /// A server stops accepting when `reached(Phase::UNBIND)` resolves.
    ///
    /// # Panics
    ///
    /// Panics if there is no such phase.
    #[track_caller]
    pub fn reached(&self, phase: impl Into<PhaseName>) -> Reached {
        let phase = phase.into();
        match self.coordinator.plan.index_of(&phase) {
            Some(phase) => Reached::new(&self.coordinator, phase),
            None => panic!("there is no phase {:?}", phase.as_str()),
        }
    }

    /// Returns a handle that resolves when every task has ended. Its value is the status for
    /// `main` to return. The handle is a future on any runtime, with [`wait`](Ended::wait) for
    /// threads.
    ///
    /// From its first poll or wait until it is dropped, it counts as a waiter, like
    /// [`wait`](Self::wait). Use it in an async `main`: `wait` blocks the thread, and on a
    /// current-thread runtime the tasks that need that thread then never run.
    ///
    /// In a task of the shutdown it resolves at once to [`ExitCode::FAILURE`].
    pub fn ended(&self) -> Ended {
        Ended::new(&self.coordinator)
    }

    /// Returns why the shutdown began, if it has.
    pub fn cause(&self) -> Option<Cause> {
        self.is_requested()
            .then(|| self.coordinator.cause())
            .flatten()
    }

    /// Blocks until the shutdown has begun and every task has ended, and returns
    /// the status for `main` to return.
    ///
    /// It also waits for a trigger: without a signal, panic or request it never returns.
    /// [`finish`](Self::finish) makes the request itself. All callers share one run and get the
    /// same status. The watchdog stays armed.
    ///
    /// A task of the shutdown would wait for itself, so this call logs an error there and
    /// returns [`ExitCode::FAILURE`] at once. In a child of `fork` it returns `FAILURE` without
    /// a log line, because a logger may hang there.
    pub fn wait(&self) -> ExitCode {
        self.ended().wait()
    }

    /// Begins the shutdown, if it has not begun, with the cause that the work is done, and
    /// waits for it like [`wait`](Self::wait).
    pub fn finish(&self) -> ExitCode {
        // A waiter from before the request on: the run may be over before this
        // thread has got any further.
        let _waiter = self.waiter();
        self.begin(0, Cause::Finished, Coordinator::begin_and_wait_briefly);
        self.wait()
    }

    /// Waits like [`wait`](Self::wait), and then ends the process as
    /// [`clean_exit`](ShutdownBuilder::clean_exit) says.
    ///
    /// `atexit` handlers run, unless `clean_exit` says otherwise. Destructors of the caller do
    /// not run. A task that calls this fails, and its thread stays parked. A child of `fork`
    /// exits with status 1.
    pub fn wait_and_exit(&self) -> ! {
        match self.coordinator.wait_for_end() {
            Ok(end) => coordinator::exit_with(self.coordinator.settings.clean_exit, &end),
            Err(WaitError::Forked) => deadstop_core::sys::terminate(1),
            Err(error) => {
                current_task::give_up(|| Outcome::Failed(format!("{error}")));
                loop {
                    thread::park();
                }
            }
        }
    }

    /// Begins the shutdown, if it has not begun, with the cause that the work is done. Then
    /// does the same as [`wait_and_exit`](Self::wait_and_exit).
    pub fn finish_and_exit(&self) -> ! {
        let _waiter = self.waiter();
        self.begin(0, Cause::Finished, Coordinator::begin_and_wait_briefly);
        self.wait_and_exit()
    }

    /// Returns the tasks that ran, their outcomes and times; `None` until the shutdown is over.
    pub fn report(&self) -> Option<ShutdownReport> {
        if !self.coordinator.is_here() {
            return None;
        }
        let end = self.coordinator.completion.get();
        end.map(|end| (*end.report).clone())
    }

    /// Requests a status report: the running tasks and the activity of each thread, in the hang
    /// report's format. The process goes on, whether the shutdown has begun or not.
    ///
    /// Returns at once. Returns `false` in a child of `fork`, which has no thread to write the
    /// report. The report goes to the [sinks](ShutdownBuilder::sinks), except to the
    /// termination message, which only the last report may use. Requests that come before the
    /// report is written share one report.
    ///
    /// Capturing stacks interrupts the threads of running tasks and the main thread for a
    /// moment. A call there that sleeps or polls may return `EINTR`. Async-signal-safe; `errno`
    /// is left as it was.
    pub fn status_report(&self) -> bool {
        let is_here = self.coordinator.is_here() && self.coordinator.settings.is_attached;
        if is_here {
            process::request_report(Request::Status);
        }
        is_here
    }

    /// Handles a signal that the application has received itself: by sigwait(3), by
    /// signalfd(2), or by a handler that has replaced deadstop's. Returns `false`, and does
    /// nothing, if `signal` is neither a trigger nor a status signal of this process.
    ///
    /// The clock starts at this call. A signal that all threads block and that `sigwait` takes
    /// never reaches a handler. So `install` warns if its thread blocks a trigger.
    /// Async-signal-safe.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let shutdown = deadstop::Shutdown::builder().install()?;
    /// # let info: (i32, i32, u32) = (15, 1, 0);
    /// use deadstop::Signal;
    /// use deadstop::signals::Sender;
    ///
    /// // In a loop that reads a signalfd:
    /// let (number, pid, uid) = info;
    /// shutdown.notify_signal(Signal::from(number), Some(Sender::new(pid, uid)));
    /// # Ok::<(), deadstop::InstallError>(())
    /// ```
    pub fn notify_signal(&self, signal: Signal, sender: Option<Sender>) -> bool {
        let origin = Origin {
            sender,
            is_kernel: sender.is_none(),
        };
        WATCH.is_owner() && trigger::signal::notify(signal.number(), origin)
    }

    /// Returns the watchdog of this shutdown. Arming it sets a deadline, and does
    /// not begin the shutdown.
    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// `begin_here` begins it on this thread: the first task need not wait for
    /// `deadstop-run` to wake.
    fn begin(&self, first: usize, cause: Cause, begin_here: fn(&Arc<Coordinator>)) -> bool {
        if !self.coordinator.settings.is_attached {
            return self.coordinator.begin_detached(cause, first);
        }
        if !self.coordinator.is_here() {
            process::warn_if_forked();
            return false;
        }
        let was_first = trigger::request_from(first, || cause);
        begin_here(&self.coordinator);
        was_first.unwrap_or(false)
    }

    /// Counts as a waiter, where waiting is possible.
    fn waiter(&self) -> Option<WaiterGuard<'_>> {
        let may_wait = self.coordinator.may_wait();
        may_wait.is_ok().then(|| self.coordinator.waiter())
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("cause", &self.cause())
            .field("watchdog", &self.watchdog)
            .finish_non_exhaustive()
    }
}
