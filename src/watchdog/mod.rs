//! Level 1: the watchdog alone, for a program that has its own shutdown.

mod anchor;
mod builder;
#[cfg(feature = "report")]
mod last_report;
mod protection;

use std::time::{Duration, Instant};

use crate::process::{self, WATCH};

pub(crate) use self::anchor::Anchor;
pub use self::builder::WatchdogBuilder;
use self::protection::Installed;
pub use self::protection::{BackupTimer, Protection};

/// A watchdog that ends the process at a deadline, whatever its cleanup is
/// stuck on.
///
/// A `Watchdog` is a handle: cloning it is free, and dropping every clone
/// changes nothing. Once installed, the watchdog lives as long as the process.
///
/// A child of `fork` has no watchdog. With the inherited handle, [`arm`](Self::arm) does
/// nothing there, and [`deadline`](Self::deadline) is `None`. The child may install its own
/// watchdog.
///
/// `exec` ends the deadline, even an armed one: the kernel ends all other threads (execve(2))
/// and deletes the timers of `timer_create`(2), so the new program begins without a watchdog.
/// [The guide](crate::guide::limits) lists ways to keep a deadline across `exec`.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::Watchdog;
///
/// let watchdog = Watchdog::builder()
///     .grace(Duration::from_secs(5))
///     .install()?;
///
/// // ... the program runs, and is asked to stop ...
///
/// watchdog.arm();
/// // From here `main` has five seconds to return.
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Watchdog {
    grace: Duration,
    installed: Installed,
    anchor: Anchor,
    /// Set if this is a handle of the process's watchdog.
    is_attached: bool,
}

impl Watchdog {
    /// Creates a handle of no watchdog.
    #[cfg(feature = "shutdown")]
    pub(crate) fn absent(grace: Duration) -> Self {
        Self {
            grace,
            installed: Installed::NOTHING,
            anchor: Anchor::cast(),
            is_attached: false,
        }
    }

    /// Starts describing a watchdog, with a grace of ten seconds and the exit
    /// status 124.
    pub fn builder() -> WatchdogBuilder {
        WatchdogBuilder::new()
    }

    /// Starts the countdown: the process ends at the latest one grace from now.
    ///
    /// Calling it again never extends the deadline: the earliest one counts. There is no way to
    /// disarm: arm the watchdog only when the shutdown is certain.
    ///
    /// The countdown runs on `CLOCK_MONOTONIC`, so setting the wall clock does
    /// not move it. It does not run while the machine is suspended. It does run
    /// while the process is stopped (`SIGSTOP`, a debugger), and the kernel
    /// timer then ends the process a little [later](WatchdogBuilder::backup_after).
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe: a clock reading, atomic operations, a timer and a
    /// wake-up, with signals blocked for the calling thread meanwhile. `errno` is
    /// left as it was.
    pub fn arm(&self) {
        self.arm_within(self.grace);
    }

    /// Does the same as [`arm`](Self::arm), with a grace of its own, such as a
    /// shorter one for a second Ctrl-C.
    ///
    /// A grace of zero ends the process at once. A grace that is too long for the clock (584
    /// years or more) counts as the longest possible one.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe, as `arm` is.
    pub fn arm_within(&self, grace: Duration) {
        if !self.is_attached {
            return;
        }
        if !WATCH.arm(grace) {
            process::warn_if_forked();
        }
        // The coordinator computes with the deadline.
        #[cfg(feature = "shutdown")]
        process::wake_for_trigger();
    }

    /// Returns the time at which the process ends; `None` until the watchdog is armed.
    ///
    /// # Async-signal-safety
    ///
    /// Async-signal-safe: an atomic reading and arithmetic.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.is_attached || !WATCH.is_owner() {
            return None;
        }
        WATCH.deadline().get().map(|at| self.anchor.instant(at))
    }

    /// Returns the grace that [`arm`](Self::arm) gives.
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Gives `say` what an operator may want to know at startup.
    #[cfg(feature = "shutdown")]
    pub(crate) fn tell_protection(&self, say: impl Fn(log::Level, String)) {
        Protection::at_install(self.installed).tell(say);
    }

    /// Returns the lines of defense that are in place in the calling process, those that the system
    /// refused, and whether deadstop's signal handlers and panic hook are still the ones that run.
    ///
    /// It checks the panic hook by removing it and setting it again, because `std` offers no
    /// other way. If another thread panics in between, the default hook runs.
    pub fn protection(&self) -> Protection {
        match WATCH.is_owner() {
            true => Protection::at_install(self.installed).with_triggers(),
            false => Protection::NONE,
        }
    }
}
