//! The hook by which faults are injected into tasks.
//!
//! The crate `deadstop-testkit` implements [`FaultInjector`]. Without an
//! injector, a task costs one atomic load more; without the feature `fault`,
//! nothing.

use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::coordinator::{self, TaskContext};

static INJECTOR: OnceLock<&'static dyn FaultInjector> = OnceLock::new();

/// Injects faults into the tasks of the process's shutdown.
///
/// All methods may be called from several threads at once.
///
/// # Examples
///
/// ```
/// use std::error::Error;
/// use deadstop::TaskContext;
/// use deadstop::fault::{self, FaultInjector};
///
/// /// Lets the flush fail, where a variable says so.
/// struct FailFlush;
///
/// impl FaultInjector for FailFlush {
///     fn prepare(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
///         Ok(())
///     }
///
///     fn planted(&self) -> Vec<String> {
///         vec!["panic at \"flush\"".to_owned()]
///     }
///
///     fn at_task(&self, name: &str, _: &TaskContext) {
///         if name == "flush" && std::env::var_os("FAIL_FLUSH").is_some() {
///             panic!("planted");
///         }
///     }
///
///     fn missed(&self) -> Vec<String> {
///         Vec::new()
///     }
/// }
///
/// fault::set_injector(&FailFlush);
/// ```
pub trait FaultInjector: Send + Sync {
    /// Reads the planted faults. `install` calls this, and fails with
    /// [`InstallError::Fault`](crate::InstallError::Fault) if it fails.
    ///
    /// # Errors
    ///
    /// Fails if a planted fault can never be triggered.
    fn prepare(&self) -> Result<(), Box<dyn Error + Send + Sync>>;

    /// Returns the planted faults as text, for a warning in the log.
    fn planted(&self) -> Vec<String>;

    /// Triggers a fault that is planted at the task called `name`. The task's thread calls this
    /// before its closure. A hang or a panic here counts as the task's.
    fn at_task(&self, name: &str, context: &TaskContext);

    /// Returns the planted faults that were not triggered, as text.
    fn missed(&self) -> Vec<String>;

    /// Returns a file to which deadstop writes reports as JSON, besides the program's own
    /// sinks; `None` by default. `install` calls this, and fails if the file cannot be written.
    fn report_file(&self) -> Option<PathBuf> {
        None
    }
}

/// Sets the process's fault injector. Only the first call has an effect; it returns `true`.
pub fn set_injector(injector: &'static dyn FaultInjector) -> bool {
    let is_first = INJECTOR.set(injector).is_ok();
    coordinator::before_each_task(at_task);
    is_first
}

/// Reads what is planted.
pub(crate) fn prepare() -> Result<(), Box<dyn Error + Send + Sync>> {
    INJECTOR.get().map_or(Ok(()), |injector| injector.prepare())
}

/// Returns the injector's file for reports.
pub(crate) fn report_file() -> Option<PathBuf> {
    INJECTOR.get()?.report_file()
}

/// Returns a line for the log about what is planted, so that its reader does not take the
/// hang for a defect of the program.
pub(crate) fn planted_line() -> Option<String> {
    let planted = INJECTOR.get()?.planted();
    (!planted.is_empty()).then(|| format!("faults are planted: {}", planted.join("; ")))
}

/// Strikes at a task that is about to run on this thread.
fn at_task(context: &TaskContext) {
    if let Some(injector) = INJECTOR.get() {
        injector.at_task(context.name(), context);
    }
}

/// Returns the planted faults that have not struck.
pub(crate) fn missed() -> Vec<String> {
    INJECTOR
        .get()
        .map_or_else(Vec::new, |injector| injector.missed())
}
