//! The report of a task.
//!
//! What a task shares with its thread and its handles has room for what the report says.
//! So the report of ten thousand tasks is ten thousand references: a shutdown touches no
//! memory that the registration has not touched.

use std::fmt;
use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Outcome;
#[cfg(any(feature = "serde", test))]
use super::SharedText;
use super::site::Site;

/// The record of one task of a shutdown.
#[derive(Clone)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(from = "Model", into = "Model"))]
#[non_exhaustive]
pub struct TaskReport(Arc<dyn Recorded>);

/// A task that has ended.
pub(crate) trait Recorded: Send + Sync + RefUnwindSafe {
    /// Returns the task's name, including the path of its scope.
    fn name(&self) -> &str;

    /// Returns its record.
    fn record(&self) -> &TaskRecord;
}

/// Room for how a task ended, and the place where it was registered.
///
/// # Orderings
///
/// The times are written once, before the report is made, and read by those that have the
/// report.
pub(crate) struct TaskRecord {
    /// Unset if the task is done: of ten thousand, most are.
    outcome: OnceLock<Outcome>,
    // In nanoseconds.
    start: AtomicU64,
    took: AtomicU64,
    budget: AtomicU64,
    site: Site,
}

static DONE: Outcome = Outcome::Done;

/// The end of a task, with times in nanoseconds.
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) start: u64,
    pub(crate) took: u64,
    pub(crate) budget: u64,
}

impl TaskRecord {
    /// Creates the record of a task that has not ended.
    pub(crate) fn new(site: Site) -> Self {
        Self {
            outcome: OnceLock::new(),
            start: AtomicU64::new(0),
            took: AtomicU64::new(0),
            budget: AtomicU64::new(0),
            site,
        }
    }

    /// Notes how the task ended. Called once.
    pub(crate) fn end(&self, ending: Ending) {
        self.start.store(ending.start, Ordering::Relaxed);
        self.took.store(ending.took, Ordering::Relaxed);
        self.budget.store(ending.budget, Ordering::Relaxed);
        if ending.outcome != Outcome::Done {
            // Fails only for a second call.
            let _ = self.outcome.set(ending.outcome);
        }
    }

    fn outcome(&self) -> &Outcome {
        self.outcome.get().unwrap_or(&DONE)
    }
}

/// A task of which there is the report alone.
#[cfg(any(feature = "serde", test))]
struct Own {
    name: SharedText,
    record: TaskRecord,
}

#[cfg(any(feature = "serde", test))]
impl Recorded for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn record(&self) -> &TaskRecord {
        &self.record
    }
}

/// A report as data.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize, serde::Serialize)]
struct Model {
    #[serde(with = "super::serde_model::text")]
    name: SharedText,
    outcome: Outcome,
    #[serde(with = "super::serde_model::seconds")]
    start: Duration,
    #[serde(with = "super::serde_model::seconds")]
    took: Duration,
    #[serde(with = "super::serde_model::seconds")]
    budget: Duration,
    site: Site,
}

#[cfg(feature = "serde")]
impl From<TaskReport> for Model {
    fn from(report: TaskReport) -> Self {
        Self {
            name: report.name().into(),
            outcome: report.outcome().clone(),
            start: report.start(),
            took: report.took(),
            budget: report.budget(),
            site: report.0.record().site.clone(),
        }
    }
}

#[cfg(feature = "serde")]
impl From<Model> for TaskReport {
    fn from(model: Model) -> Self {
        let nanos = |length: Duration| u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let ending = Ending {
            outcome: model.outcome,
            start: nanos(model.start),
            took: nanos(model.took),
            budget: nanos(model.budget),
        };
        Self::new(model.name, model.site, ending)
    }
}

impl TaskReport {
    /// Creates the report of a task that has [ended](TaskRecord::end).
    pub(crate) fn of<T: Recorded + 'static>(task: Arc<T>) -> Self {
        Self(task)
    }

    /// Creates the report of a task of which there is nothing else.
    #[cfg(any(feature = "serde", test))]
    pub(crate) fn new(name: SharedText, site: Site, ending: Ending) -> Self {
        let record = TaskRecord::new(site);
        record.end(ending);
        Self::of(Arc::new(Own { name, record }))
    }

    /// Returns the task's name, including the path of its scope.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the task's outcome.
    pub fn outcome(&self) -> &Outcome {
        self.0.record().outcome()
    }

    /// Returns the time at which the task began, or was skipped.
    pub fn start(&self) -> Duration {
        nanos(&self.0.record().start)
    }

    /// Returns the time for which the task ran, or after which it was abandoned.
    pub fn took(&self) -> Duration {
        nanos(&self.0.record().took)
    }

    /// Returns the longest time for which the task might run.
    pub fn budget(&self) -> Duration {
        nanos(&self.0.record().budget)
    }

    /// Returns the place where the task was registered, as `file:line`.
    pub fn site(&self) -> &str {
        self.0.record().site.as_str()
    }
}

fn nanos(length: &AtomicU64) -> Duration {
    Duration::from_nanos(length.load(Ordering::Relaxed))
}

impl fmt::Debug for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskReport")
            .field("name", &self.name())
            .field("outcome", self.outcome())
            .field("start", &self.start())
            .field("took", &self.took())
            .field("budget", &self.budget())
            .field("site", &self.site())
            .finish()
    }
}
