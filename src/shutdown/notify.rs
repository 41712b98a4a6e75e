//! Notifications to the service manager: ready, reloading.

use std::fmt;

use super::Shutdown;
use crate::process::{FIRST, NOTIFY, ROSTER, TRIGGERED};
use crate::reporting::{self, Reporting};
use crate::{notify, process, threads};

impl Shutdown {
    /// Tells the service manager that the program is ready: `READY=1`, once. A service of
    /// `Type=notify` counts as started from then on.
    ///
    /// If this process is the successor in a [hand-over](Self::hand_over), the call also
    /// notifies the old process, unless the shutdown of this process has begun. A successor
    /// sends nothing to the service manager before this call.
    ///
    /// Returns at once. It sends nothing to the service manager if `NOTIFY_SOCKET` was not set
    /// at install, if [`systemd_notifications`](crate::ShutdownBuilder::systemd_notifications)
    /// is off, in a child of `fork`, and for a [detached](crate::ShutdownBuilder::detached)
    /// shutdown. Async-signal-safe.
    ///
    /// # Examples
    ///
    /// ```
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// // ... bind the port, open the database ...
    /// shutdown.set_ready();
    /// # let _ = shutdown.finish();
    /// # Ok::<(), deadstop::InstallError>(())
    /// ```
    pub fn set_ready(&self) {
        if self.notifies() {
            NOTIFY.set_ready();
            // A successor that stops cannot take over: its predecessor goes on.
            if !FIRST.is_some() {
                notify::announce_ready();
            }
            TRIGGERED.advance();
        }
    }

    /// Tells the service manager that the program reloads its configuration, until the
    /// returned guard is dropped: `RELOADING=1` with `MONOTONIC_USEC`, and then `READY=1`.
    /// A service of `Type=notify-reload` counts as reloaded from then on.
    ///
    /// Reloads may overlap: `READY=1` follows when the last one ends. deadstop does not
    /// announce a reload that ends before [`set_ready`](Self::set_ready). It sends nothing in
    /// the cases in which `set_ready` sends nothing.
    pub fn reloading(&self) -> Reloading {
        let notifies = self.notifies();
        if notifies {
            NOTIFY.begin_reload(deadstop_core::now());
            TRIGGERED.advance();
        }
        Reloading {
            generation: notifies.then(process::generation),
        }
    }

    /// Returns `true` in the process that the shutdown belongs to.
    pub(crate) fn notifies(&self) -> bool {
        self.coordinator.settings.is_attached && self.coordinator.is_here()
    }
}

/// A reload that is under way until this is dropped. Made by [`Shutdown::reloading`].
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// // At SIGHUP:
/// let reloading = shutdown.reloading();
/// // ... read the configuration again ...
/// drop(reloading); // systemd hears that the service is ready again
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[must_use = "the reload ends when this is dropped"]
pub struct Reloading {
    generation: Option<u32>,
}

impl Drop for Reloading {
    fn drop(&mut self) {
        // A child of fork may have inherited the guard.
        if self.generation == Some(process::generation()) {
            NOTIFY.end_reload();
            TRIGGERED.advance();
        }
    }
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading").finish_non_exhaustive()
    }
}

/// Starts `deadstop-notify` where there is a manager. A process without it runs on, and
/// the log says why.
pub(super) fn start(reporting: &Reporting) {
    let socket = match notify::Socket::of_the_manager() {
        None => return,
        Some(Ok(socket)) => socket,
        Some(Err(error)) => return warn(reporting, &error),
    };
    let driver = notify::Driver::new(sources(), socket);
    let started = threads::spawn_of("deadstop-notify", notify::STACK, || driver.run());
    if let Err(error) = started {
        warn(reporting, &error);
    }
}

fn warn(reporting: &Reporting, error: &dyn fmt::Display) {
    reporting.warn(format!("systemd is not notified (NOTIFY_SOCKET): {error}"));
}

/// The sources that `deadstop-notify` reads in this process.
fn sources() -> notify::Sources {
    notify::Sources {
        watchdog: &process::WATCH,
        changes: &TRIGGERED,
        roster: &ROSTER,
        notify: &NOTIFY,
        is_requested: || FIRST.is_some(),
        report_due: reporting::report_due,
    }
}
