//! The settings that decide how a shutdown ends.

/// The way in which a process exits after a shutdown whose tasks were all done.
///
/// # Examples
///
/// ```no_run
/// use deadstop::{CleanExit, Shutdown};
///
/// // A process that SIGTERM ended reports 143, as a shell expects.
/// let shutdown = Shutdown::builder().clean_exit(CleanExit::SignalStatus).install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CleanExit {
    /// With status 0.
    #[default]
    Success,
    /// If a signal was the cause, with 128 and its number, as shells report a
    /// process that the signal ended: 143 for `SIGTERM`. Otherwise with 0.
    SignalStatus,
    /// If a signal was the cause, by that signal, so that the parent process sees
    /// the process die of it. `atexit` handlers do not run then. Otherwise with 0.
    ///
    /// A `main` that returns what [`wait`](crate::Shutdown::wait) gave it ends
    /// with the status of [`SignalStatus`](Self::SignalStatus);
    /// [`wait_and_exit`](crate::Shutdown::wait_and_exit) ends by the signal.
    Reraise,
    /// With status 0 by `_exit`: `atexit` handlers, static destructors and thread-local
    /// destructors do not run. This is for programs in which they crash or hang.
    ///
    /// A `main` that returns what `wait` gave it still runs them;
    /// [`wait_and_exit`](crate::Shutdown::wait_and_exit) does not.
    Immediate,
}

/// The way in which the process ends when every task has ended.
///
/// # Examples
///
/// ```no_run
/// use deadstop::{Shutdown, WhenDone};
///
/// // `main` runs a foreign event loop that never returns.
/// let shutdown = Shutdown::builder().when_done(WhenDone::Exit).install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum WhenDone {
    /// The application ends the process, by waiting or by returning from `main`.
    ///
    /// If nothing waits, deadstop leaves the process alone until the deadline, and a warning
    /// says so: the application, or a framework that handles the signal itself, may still be
    /// draining.
    #[default]
    Wait,
    /// deadstop ends the process, 50 ms after the last task has ended, if no thread waits.
    ///
    /// This is for programs whose `main` never returns and has no work of its own. A thread
    /// other than the main thread counts as waiting until its wait returns. If no task was ever
    /// registered, this is the same as [`Wait`](Self::Wait).
    Exit,
}

/// The settings that decide.
#[derive(Clone, Copy, Debug)]
pub(in crate::coordinator) struct Rules {
    pub(in crate::coordinator) max_concurrent_tasks: usize,
    pub(in crate::coordinator) when_done: WhenDone,
    pub(in crate::coordinator) clean_exit: CleanExit,
    pub(in crate::coordinator) failure_status: u8,
}
