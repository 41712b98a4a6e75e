//! The planted faults, and which of them have struck.
//!
//! `install` reads the environment once. A fault from the environment takes
//! precedence over one from the program. A lookup takes the lock for a moment,
//! and never while a fault strikes.
//!
//! # Orderings
//!
//! `ANY_PLANTED` is a hint to skip the lock; the lock orders the data. A fault
//! strikes reliably at a task that is registered, or a thread that is started,
//! after it was planted, which orders the two.

use std::env::VarError;
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use deadstop::TaskContext;
use deadstop::fault::FaultInjector;

use crate::sys;

use super::declared;
use super::kind::Fault;
use super::syntax::{FaultPlan, PlannedFault, PlantError};

/// The environment variable that plants faults.
pub(crate) const VARIABLE: &str = "DEADSTOP_FAULT";

/// The environment variable that names the file for the report as JSON. The
/// harness sets it for its victims.
pub(crate) const REPORT_VARIABLE: &str = "DEADSTOP_FAULT_REPORT";

static PLANTED: Mutex<Planted> = Mutex::new(Planted {
    by_environment: Vec::new(),
    by_program: Vec::new(),
});

/// Set if a fault is planted.
static ANY_PLANTED: AtomicBool = AtomicBool::new(false);

struct Planted {
    by_environment: Vec<PlantedFault>,
    by_program: Vec<PlantedFault>,
}

struct PlantedFault {
    planned: PlannedFault,
    has_struck: bool,
}

impl From<PlannedFault> for PlantedFault {
    fn from(planned: PlannedFault) -> Self {
        Self {
            planned,
            has_struck: false,
        }
    }
}

impl Planted {
    /// Returns the faults in effect: of two at one name, the environment's.
    fn all(&self) -> impl Iterator<Item = &PlantedFault> {
        let is_overridden = |planted: &&PlantedFault| {
            let mut by_environment = self.by_environment.iter();
            by_environment.any(|other| other.planned.name == planted.planned.name)
        };
        let by_program = self.by_program.iter();
        self.by_environment
            .iter()
            .chain(by_program.filter(move |planted| !is_overridden(planted)))
    }

    fn at(&mut self, name: &str) -> Option<&mut PlantedFault> {
        self.by_environment
            .iter_mut()
            .chain(&mut self.by_program)
            .find(|planted| planted.planned.name == name)
    }
}

fn lock() -> MutexGuard<'static, Planted> {
    PLANTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets faults strike in this program: `install` reads `DEADSTOP_FAULT`, and
/// every task looks for a fault at its name.
///
/// Call it before `install`, in test builds only. Returns `false` if another
/// fault injector is set; then nothing strikes.
///
/// # Examples
///
/// ```
/// // In a program: under a feature that only its tests turn on.
/// # /*
/// #[cfg(feature = "fault-points")]
/// # */
/// deadstop_testkit::enable();
/// ```
pub fn enable() -> bool {
    static INJECTOR: Injector = Injector;
    deadstop::fault::set_injector(&INJECTOR)
}

/// Plants `fault` at the task or [`point`] called `name`. A task of a scope is
/// named with its path, as reports show it: `/ingest/reader`.
///
/// The fault strikes on the task's own thread, before its closure runs, and
/// counts as the task's: the hang is the task's hang, its budget applies, and a
/// panic is its failure. It strikes each time a task of that name runs. A second
/// fault at one name replaces the first; a fault from `DEADSTOP_FAULT` takes
/// precedence over both.
///
/// Call it at any time before the task runs, in a program that has called
/// [`enable`]. A fault at a name that no task and no point has never strikes; see
/// [`ShutdownReport::missed_faults`](deadstop::report::ShutdownReport::missed_faults).
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
/// use deadstop_testkit::{self as testkit, Fault};
///
/// testkit::enable();
/// testkit::plant("flush the log", Fault::Panic);
///
/// let shutdown = Shutdown::builder().signals([]).install()?;
/// shutdown.task("flush the log").on_shutdown(|_| unreachable!("the fault was first"))?;
/// shutdown.finish();
///
/// let report = shutdown.report().expect("the shutdown has ended");
/// assert_eq!(
///     report.task("flush the log").unwrap().outcome().to_string(),
///     "panicked: fault panic: planted",
/// );
/// # // A failed task makes the program's own exit end with 1.
/// # unsafe { libc::_exit(0) };
/// # #[expect(unreachable_code, reason = "the type of the example")]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plant(name: impl Into<String>, fault: Fault) {
    let name = name.into();
    let mut planted = lock();
    planted
        .by_program
        .retain(|planted| planted.planned.name != name);
    planted.by_program.push(PlannedFault { name, fault }.into());
    ANY_PLANTED.store(true, Ordering::Release);
}

/// Marks a place at which a fault may be planted by `name`: in a worker, in a
/// request handler, in the middle of a task. Returns at once if none is planted.
///
/// Points and tasks share one namespace.
///
/// # Examples
///
/// ```
/// fn flush() {
///     // ... half of the work ...
///     deadstop_testkit::point("flush: between the segments");
///     // ... the other half ...
/// }
/// # flush();
/// ```
///
/// # Panics
///
/// If the fault that is planted there panics.
pub fn point(name: &str) {
    if let Some(fault) = take(name) {
        fault.strike();
    }
}

/// Returns the fault planted at `name`, and marks it as having struck.
fn take(name: &str) -> Option<Fault> {
    if !ANY_PLANTED.load(Ordering::Acquire) {
        return None;
    }
    let mut planted = lock();
    let planted = planted.at(name)?;
    planted.has_struck = true;
    Some(planted.planned.fault)
}

/// Connects the planted faults to the tasks of `deadstop`.
struct Injector;

impl FaultInjector for Injector {
    fn prepare(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(read_environment()?)
    }

    fn planted(&self) -> Vec<String> {
        let planted = lock();
        planted
            .all()
            .map(|planted| planted.planned.to_string())
            .collect()
    }

    fn at_task(&self, name: &str, context: &TaskContext) {
        if let Some(fault) = take(name) {
            // So that the report says that the hang was injected.
            context.progress(&format!("planted fault: {fault}"));
            fault.strike();
            context.progress("");
        }
    }

    fn missed(&self) -> Vec<String> {
        if !ANY_PLANTED.load(Ordering::Acquire) {
            return Vec::new();
        }
        let planted = lock();
        let missed = planted.all().filter(|planted| !planted.has_struck);
        missed.map(|planted| planted.planned.to_string()).collect()
    }

    fn report_file(&self) -> Option<PathBuf> {
        sys::environment::secure_var(REPORT_VARIABLE)
            .ok()
            .map(PathBuf::from)
    }
}

/// Reads the environment, checks all faults, and replaces what an earlier call
/// has read.
fn read_environment() -> Result<(), PlantError> {
    let plan: FaultPlan = match sys::environment::secure_var(VARIABLE) {
        Ok(text) => text.parse()?,
        Err(VarError::NotPresent) => FaultPlan::default(),
        Err(VarError::NotUnicode(_)) => return Err(PlantError::NotText),
    };
    let mut planted = lock();
    let by_program = planted.by_program.iter().map(|planted| &planted.planned);
    let all: Vec<_> = plan.faults().iter().chain(by_program).collect();
    check(&all, sys::allocator::is_in_use())?;
    planted.by_environment = plan.into_iter().map(PlantedFault::from).collect();
    let any = planted.all().next().is_some();
    ANY_PLANTED.store(any, Ordering::Release);
    Ok(())
}

/// Checks that the planned faults can strike.
fn check(planned: &[&PlannedFault], has_stuck_allocator: bool) -> Result<(), PlantError> {
    declared::check(planned)?;
    let needs_allocator = |planned: &&&PlannedFault| planned.fault == Fault::AllocatorLock;
    match planned.iter().find(needs_allocator) {
        Some(planned) if !has_stuck_allocator => Err(PlantError::NoStuckAllocator {
            name: planned.name.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str, fault: Fault) -> PlannedFault {
        let name = name.to_owned();
        PlannedFault { name, fault }
    }

    #[test]
    fn environment_takes_precedence_over_program() {
        let mut all = Planted {
            by_environment: vec![planned("a", Fault::Spin).into()],
            by_program: vec![
                planned("a", Fault::Panic).into(),
                planned("b", Fault::Sleep).into(),
            ],
        };
        let in_effect: Vec<_> = all
            .all()
            .map(|planted| planted.planned.to_string())
            .collect();
        assert_eq!(in_effect, ["a=spin", "b=sleep"]);
        let mut fault_at = |name| all.at(name).map(|planted| planted.planned.fault);
        assert_eq!(fault_at("a"), Some(Fault::Spin));
        assert_eq!(fault_at("b"), Some(Fault::Sleep));
        assert_eq!(fault_at("c"), None);
    }

    /// The only test here that uses the process-wide table.
    #[test]
    fn fault_is_missed_until_it_strikes() {
        let slow = Fault::Slow(std::time::Duration::ZERO);
        point("a place");
        plant("a place", Fault::Spin);
        plant("a place", slow);
        assert_eq!(Injector.missed(), ["a place=slow(0s)"]);
        point("another place");
        assert_eq!(Injector.missed(), ["a place=slow(0s)"]);
        point("a place");
        point("a place");
        assert!(Injector.missed().is_empty());
        // This program's allocator is the system's.
        assert!(Injector.prepare().is_ok());
        plant("a place", Fault::AllocatorLock);
        let name = "a place".to_owned();
        let error = read_environment().expect_err("it cannot strike");
        assert_eq!(error, PlantError::NoStuckAllocator { name });
        plant("a place", slow);
    }

    #[test]
    fn allocator_lock_needs_a_stuck_allocator() {
        let plans = [
            planned("a", Fault::Spin),
            planned("b", Fault::AllocatorLock),
        ];
        let plans: Vec<_> = plans.iter().collect();
        let name = "b".to_owned();
        assert_eq!(
            check(&plans, false),
            Err(PlantError::NoStuckAllocator { name })
        );
        assert_eq!(check(&plans, true), Ok(()));
        assert_eq!(check(&plans[..1], false), Ok(()));
    }
}
