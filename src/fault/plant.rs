//! Where faults are planted, and whether they have struck.
//!
//! What the environment says is read once, as a shutdown is installed, and goes
//! before what the program says. Whoever looks takes a lock for a moment, and
//! never while a fault strikes.
//!
//! # Orderings
//!
//! `ANY` says whether to look, and what is found is behind the lock. A fault strikes
//! for sure at a task that is registered, or a thread that is started, after it was
//! planted, which orders the two.

use std::env::{self, VarError};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::coordinator::TaskContext;
use crate::sys;

use super::declared;
use super::kind::Fault;
use super::language::{self, Plan, PlantError};

/// The environment variable that plants faults.
pub(super) const VARIABLE: &str = "DEADSTOP_FAULT";

static PLANTED: Mutex<Planted> = Mutex::new(Planted {
    by_environment: Vec::new(),
    by_program: Vec::new(),
});

/// Whether there is anything to look for.
static ANY: AtomicBool = AtomicBool::new(false);

struct Planted {
    by_environment: Vec<Plant>,
    by_program: Vec<Plant>,
}

struct Plant {
    plan: Plan,
    has_struck: bool,
}

impl From<Plan> for Plant {
    fn from(plan: Plan) -> Self {
        Self {
            plan,
            has_struck: false,
        }
    }
}

impl Planted {
    /// The plants that count: of two at a name, the environment's.
    fn all(&self) -> impl Iterator<Item = &Plant> {
        let overruled = |plant: &&Plant| {
            let mut by_environment = self.by_environment.iter();
            by_environment.any(|other| other.plan.name == plant.plan.name)
        };
        let by_program = self.by_program.iter();
        self.by_environment
            .iter()
            .chain(by_program.filter(move |plant| !overruled(plant)))
    }

    fn at(&mut self, name: &str) -> Option<&mut Plant> {
        self.by_environment
            .iter_mut()
            .chain(&mut self.by_program)
            .find(|plant| plant.plan.name == name)
    }
}

/// Plants `fault` at the task or [`point`] called `name`. A task of a scope is
/// named with its path, as reports show it: `/ingest/reader`.
///
/// The fault strikes on the task's own thread, before its closure is called, and
/// counts as the task's: what hangs is the task, its budget applies, and a panic
/// is its failure. It strikes each time that a task of that name runs. At a name
/// where a fault is planted already, the new one takes its place; but what
/// `DEADSTOP_FAULT` plants goes before both.
///
/// Call it at any time before the task runs. A fault at a name that no task has
/// and no point is never heard of, except at the end: see
/// [`ShutdownReport::missed_faults`](crate::ShutdownReport::missed_faults). A
/// program that [declares](super::declare) its names hears of it at `install`.
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
/// use deadstop::fault::{self, Fault};
///
/// fault::plant("flush the log", Fault::Panic);
///
/// let shutdown = Shutdown::builder().signals([]).install()?;
/// shutdown.task("flush the log").on_shutdown(|_| unreachable!("the fault was first"))?;
/// shutdown.finish();
///
/// let report = shutdown.report().expect("it is over");
/// assert_eq!(
///     report.task("flush the log").unwrap().outcome().to_string(),
///     "panicked: fault panic: planted",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Async-signal-safety
///
/// Not async-signal-safe: it allocates and takes a lock.
pub fn plant(name: impl Into<String>, fault: Fault) {
    let name = name.into();
    let mut planted = PLANTED.lock();
    planted.by_program.retain(|plant| plant.plan.name != name);
    planted.by_program.push(Plan { name, fault }.into());
    ANY.store(true, Ordering::Release);
}

/// A place at which a fault may be planted by `name`: in a worker, in a handler
/// of requests, in the middle of a task. Does nothing unless one is.
///
/// Points and tasks share their names. Without the feature `fault` there is no
/// such function; a program that has points has a feature of its own for them.
///
/// # Examples
///
/// ```
/// fn flush() {
///     // ... half of it ...
///     deadstop::fault::point("flush: between the segments");
///     // ... the other half ...
/// }
/// # flush();
/// ```
///
/// # Panics
///
/// If the fault that is planted there does.
///
/// # Async-signal-safety
///
/// Not async-signal-safe: it takes a lock.
pub fn point(name: &str) {
    if let Some(fault) = take(name) {
        fault.strike();
    }
}

/// The task called `name` is about to run, on this thread.
pub(crate) fn strike_task(name: &str, context: &TaskContext) {
    if let Some(fault) = take(name) {
        // Nobody is to take it for a hang that nobody planted.
        context.progress(&format!("planted fault: {fault}"));
        fault.strike();
        context.progress("");
    }
}

/// What is to strike at `name`. It is noted as having struck.
fn take(name: &str) -> Option<Fault> {
    if !ANY.load(Ordering::Acquire) {
        return None;
    }
    let mut planted = PLANTED.lock();
    let plant = planted.at(name)?;
    plant.has_struck = true;
    Some(plant.plan.fault)
}

/// What the environment says, read and checked.
pub(crate) struct FromEnvironment(Vec<Plan>);

impl FromEnvironment {
    /// Reads it, and checks that what is planted can strike.
    pub(crate) fn read() -> Result<Self, PlantError> {
        let plans = match env::var(VARIABLE) {
            Ok(text) => language::parse(&text)?,
            Err(VarError::NotPresent) => Vec::new(),
            Err(VarError::NotUnicode(_)) => return Err(PlantError::NotText),
        };
        check(&plans, sys::allocator::is_in_use())?;
        let by_program: Vec<_> = {
            let planted = PLANTED.lock();
            planted
                .by_program
                .iter()
                .map(|plant| plant.plan.clone())
                .collect()
        };
        check(&by_program, sys::allocator::is_in_use())?;
        Ok(Self(plans))
    }

    /// Plants it, in place of what an earlier `install` may have read.
    pub(crate) fn plant(self) {
        let mut planted = PLANTED.lock();
        planted.by_environment = self.0.into_iter().map(Plant::from).collect();
        ANY.store(planted.all().next().is_some(), Ordering::Release);
    }
}

/// Says in the log what is planted: whoever reads it is not to take what comes
/// for something else.
pub(crate) fn log_planted() {
    let planted = PLANTED.lock();
    let all: Vec<_> = planted.all().map(|plant| plant.plan.to_string()).collect();
    drop(planted);
    if !all.is_empty() {
        log::warn!(target: "deadstop", "faults are planted: {}", all.join("; "));
    }
}

/// Checks that what is planted can strike.
fn check(plans: &[Plan], has_stuck_allocator: bool) -> Result<(), PlantError> {
    declared::check(plans)?;
    let needs = |plan: &&Plan| plan.fault == Fault::AllocatorLock;
    match plans.iter().find(needs) {
        Some(plan) if !has_stuck_allocator => Err(PlantError::NoStuckAllocator {
            name: plan.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// The faults that have not struck, as `DEADSTOP_FAULT` would have them.
pub(crate) fn missed() -> Vec<String> {
    if !ANY.load(Ordering::Acquire) {
        return Vec::new();
    }
    let planted = PLANTED.lock();
    let missed = planted.all().filter(|plant| !plant.has_struck);
    missed.map(|plant| plant.plan.to_string()).collect()
}

impl fmt::Debug for FromEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, fault: Fault) -> Plan {
        let name = name.to_owned();
        Plan { name, fault }
    }

    #[test]
    fn the_environment_goes_before_the_program() {
        let mut planted = Planted {
            by_environment: vec![plan("a", Fault::Spin).into()],
            by_program: vec![
                plan("a", Fault::Panic).into(),
                plan("b", Fault::Sleep).into(),
            ],
        };
        let all: Vec<_> = planted.all().map(|plant| plant.plan.to_string()).collect();
        assert_eq!(all, ["a=spin", "b=sleep"]);
        let mut fault_at = |name| planted.at(name).map(|plant| plant.plan.fault);
        assert_eq!(fault_at("a"), Some(Fault::Spin));
        assert_eq!(fault_at("b"), Some(Fault::Sleep));
        assert_eq!(fault_at("c"), None);
    }

    /// The only test here that touches what all of them share.
    #[test]
    fn a_plant_is_missed_until_it_strikes() {
        let slow = Fault::Slow(std::time::Duration::ZERO);
        point("a place");
        plant("a place", Fault::Spin);
        plant("a place", slow);
        assert_eq!(missed(), ["a place=slow(0s)"]);
        point("another place");
        assert_eq!(missed(), ["a place=slow(0s)"]);
        point("a place");
        point("a place");
        assert!(missed().is_empty());
        // This program's allocator is the system's.
        assert!(FromEnvironment::read().is_ok());
        plant("a place", Fault::AllocatorLock);
        let name = "a place".to_owned();
        let error = FromEnvironment::read().expect_err("it could not strike");
        assert_eq!(error, PlantError::NoStuckAllocator { name });
        plant("a place", slow);
    }

    #[test]
    fn the_allocators_lock_needs_an_allocator_of_ours() {
        let plans = [plan("a", Fault::Spin), plan("b", Fault::AllocatorLock)];
        let name = "b".to_owned();
        assert_eq!(
            check(&plans, false),
            Err(PlantError::NoStuckAllocator { name })
        );
        assert_eq!(check(&plans, true), Ok(()));
        assert_eq!(check(&plans[..1], false), Ok(()));
    }
}
