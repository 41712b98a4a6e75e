//! Makes a detached shutdown, which leaves the process alone.

use super::Shutdown;
use super::builder::ShutdownBuilder;
use crate::coordinator::{Coordinator, Settings, WhenDone};
use crate::error::InstallError;
#[cfg(feature = "platform")]
use crate::platform::Program;
use crate::reporting::{Log, Outlet, Progress, Reporting};
use crate::watchdog::Watchdog;
use deadstop_core::sys::SignalMask;

impl ShutdownBuilder {
    /// Makes a coordinator without watchdog, signal handlers, panic hook and reports, for
    /// tests. A process can have any number of them, one after another or at the same time.
    ///
    /// Phases, tasks, scopes and waiting work as in an installed shutdown. Only a
    /// [request](Shutdown::request) begins it. At its deadline the coordinator abandons the
    /// tasks, and the process goes on. [`installed`](Shutdown::installed) does not find it, and
    /// its [`watchdog`](Shutdown::watchdog) cannot be armed. Child processes, files to remove,
    /// heartbeats, the health server and a hand-over need an installed shutdown.
    ///
    /// Its threads end some time after its shutdown is over. If it is never requested, two of
    /// its threads and its tasks stay, even if every handle is dropped.
    ///
    /// # Errors
    ///
    /// Fails if the phases, the failure status or the maximum number of tasks are invalid, or
    /// if the system refuses a thread. The process is not changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use deadstop::{Cause, Shutdown};
    ///
    /// for _ in 0..2 {
    ///     let shutdown = Shutdown::builder().detached()?;
    ///     shutdown.task("flush").on_shutdown(|_| {})?;
    ///     shutdown.request(Cause::requested("a test"));
    ///     shutdown.wait();
    ///     assert!(shutdown.report().unwrap().is_clean());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detached(mut self) -> Result<Shutdown, InstallError> {
        self.check_limits()?;
        let plan = self.arrange_phases()?;
        let settings = self.detached_settings();
        let watchdog = Watchdog::absent(self.watchdog.grace);
        let outlet = Outlet::new(Progress::Off, false);
        let reporting = Reporting::new(Log::new(outlet.clone()), None, outlet);
        let mask = SignalMask::current();
        let coordinator = Coordinator::new(settings, plan, reporting, mask);
        coordinator.start()?;
        Ok(Shutdown {
            coordinator,
            watchdog,
        })
    }

    /// Returns the coordinator's settings, for a detached shutdown.
    pub(super) fn detached_settings(&self) -> Settings {
        Settings {
            grace: self.watchdog.grace,
            clean_exit: self.clean_exit,
            when_done: WhenDone::Wait,
            failure_status: self.failure_status,
            max_concurrent_tasks: self.max_concurrent_tasks,
            is_attached: false,
            #[cfg(feature = "platform")]
            program: Program::new(self.watchdog.grace),
            #[cfg(feature = "fault")]
            missed_faults: crate::fault::missed,
        }
    }
}
