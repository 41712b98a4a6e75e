//! The report of a shutdown: what ran, how it ended, and how long it took.

use std::fmt;
use std::time::Duration;

use super::task_list::TaskList;
use super::text::Seconds;
use super::{Outcome, SharedText, TaskReport};
use crate::cause::Cause;
use deadstop_core::escape::Escaped;

/// The report of a shutdown, or of a scope that stopped alone: each phase and task, how it
/// ended, and how long it took.
///
/// [`Shutdown::report`](crate::Shutdown::report) returns it. All times count from the instant
/// at which the shutdown began. Its text is a short table. With the feature `serde` it can be
/// serialized and deserialized; times are then numbers of seconds.
///
/// # Examples
///
/// ```
/// use deadstop::report::Outcome;
/// use deadstop::{Cause, Shutdown};
///
/// let shutdown = Shutdown::builder().signals([]).install()?;
/// shutdown.task("flush").on_shutdown(|_| Err("disk full"))?;
/// shutdown.request(Cause::requested("an example"));
/// shutdown.wait();
///
/// let report = shutdown.report().unwrap();
/// assert!(!report.is_clean());
/// assert_eq!(report.status(), 1);
/// let flush = report.task("flush").unwrap();
/// assert_eq!(flush.outcome(), &Outcome::Failed("disk full".to_owned()));
/// # // `exit(0)` would end with 1: something was left undone.
/// # #[cfg(unix)]
/// # unsafe { libc::_exit(0) };
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    #[cfg_attr(feature = "serde", serde(with = "super::serde_model::cause"))]
    pub(crate) cause: Cause,
    pub(crate) phases: Vec<PhaseReport>,
    pub(crate) refused: Vec<TaskReport>,
    #[cfg_attr(feature = "serde", serde(with = "super::serde_model::seconds"))]
    pub(crate) took: Duration,
    pub(crate) status: u8,
    pub(crate) threads_refused: bool,
    #[cfg(feature = "fault")]
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Vec::is_empty")
    )]
    pub(crate) missed_faults: Vec<String>,
}

impl ShutdownReport {
    /// Returns why the shutdown began.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Returns every phase, in the order in which they ran.
    pub fn phases(&self) -> &[PhaseReport] {
        &self.phases
    }

    /// Returns every task that was registered before its phase ended, phase by
    /// phase, in the order in which the tasks ended.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskReport> {
        self.phases.iter().flat_map(PhaseReport::tasks)
    }

    /// Returns the task called `name`, which includes the path of its scope
    /// (`/ingest/reader`). If several have the name, returns the first that ended.
    pub fn task(&self, name: &str) -> Option<&TaskReport> {
        self.tasks().find(|task| task.name() == name)
    }

    /// Returns the tasks that were registered too late.
    pub fn refused(&self) -> &[TaskReport] {
        &self.refused
    }

    /// Returns the time from the beginning to the end of the last phase.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns the exit status of this report, as [`Shutdown::wait`](crate::Shutdown::wait)
    /// returns it. Use it for `_exit`, or to log it. The status is never 0 if a task left its
    /// work undone.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Returns `true` if the system refused to start a thread, so that tasks had to
    /// wait for each other.
    pub fn threads_refused(&self) -> bool {
        self.threads_refused
    }

    /// Returns the planted faults that were not triggered, as `DEADSTOP_FAULT` spells
    /// them: no task or fault point of that name ran. Empty for a scope's report.
    ///
    /// Only with the feature `fault`.
    #[cfg(feature = "fault")]
    pub fn missed_faults(&self) -> &[String] {
        &self.missed_faults
    }

    /// Returns `true` if no task left its work undone. Tasks that were cancelled,
    /// refused, or skipped on purpose do not count.
    pub fn is_clean(&self) -> bool {
        !self.phases.iter().any(|phase| phase.tasks.has_failure())
    }
}

impl fmt::Display for ShutdownReport {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = format!("{}", self.cause);
        writeln!(f, "{}; {} in all", Escaped(&cause), Seconds(self.took))?;
        self.fmt_table(f)?;
        for phase in &self.phases {
            let left_out = phase.tasks.len() - phase.shown().count();
            if left_out > 0 {
                let name = Escaped(&phase.name);
                writeln!(f, "{name}: and {left_out} more tasks, all done")?;
            }
        }
        for task in &self.refused {
            let (name, site) = (task.name(), Escaped(task.site()));
            writeln!(f, "{name:?} was registered too late, at {site}")?;
        }
        if self.threads_refused {
            writeln!(
                f,
                "the system refused threads, so tasks had to wait for each other"
            )?;
        }
        #[cfg(feature = "fault")]
        for fault in &self.missed_faults {
            let fault = Escaped(fault);
            writeln!(f, "fault \"{fault}\" was not triggered")?;
        }
        Ok(())
    }
}

impl ShutdownReport {
    #[cold]
    fn fmt_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self
            .phases
            .iter()
            .flat_map(|phase| phase.shown().map(|task| (&*phase.name, task)))
            .map(|(phase, task)| (escaped(phase), escaped(task.name()), task))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let width = |texts: &mut dyn Iterator<Item = &String>, least: usize| {
            texts
                .map(|text| text.chars().count())
                .max()
                .unwrap_or(0)
                .max(least)
        };
        let phase_width = width(&mut rows.iter().map(|(phase, ..)| phase), 5);
        let name_width = width(&mut rows.iter().map(|(_, name, _)| name), 4);
        writeln!(
            f,
            "{:phase_width$}  {:name_width$}  {:>8}  {:>8}  {:>8}  outcome",
            "phase", "task", "start", "took", "of"
        )?;
        for (phase, name, task) in &rows {
            writeln!(
                f,
                "{phase:phase_width$}  {name:name_width$}  {:>8}  {:>8}  {:>8}  {}",
                Seconds(task.start()),
                Seconds(task.took()),
                Seconds(task.budget()),
                escaped(&format!("{}", task.outcome())),
            )?;
        }
        Ok(())
    }
}

fn escaped(text: &str) -> String {
    format!("{}", Escaped(text))
}

/// The record of one phase of a shutdown.
///
/// # Examples
///
/// ```
/// use deadstop::report::{PhaseReport, ShutdownReport};
///
/// /// Returns the phase that took longest.
/// fn slowest(report: &ShutdownReport) -> Option<&PhaseReport> {
///     report.phases().iter().max_by_key(|phase| phase.took())
/// }
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub struct PhaseReport {
    #[cfg_attr(feature = "serde", serde(with = "super::serde_model::text"))]
    pub(crate) name: SharedText,
    // In nanoseconds, as the tasks' times are.
    #[cfg_attr(
        feature = "serde",
        serde(with = "super::serde_model::nanos_as_seconds")
    )]
    pub(crate) start: u64,
    #[cfg_attr(
        feature = "serde",
        serde(with = "super::serde_model::nanos_as_seconds")
    )]
    pub(crate) took: u64,
    #[cfg_attr(
        feature = "serde",
        serde(with = "super::serde_model::nanos_as_seconds")
    )]
    pub(crate) budget: u64,
    pub(crate) tasks: TaskList,
}

/// The text shows this many of a phase's tasks that are done.
const SHOWN: usize = 20;

impl PhaseReport {
    /// Creates the report of a phase that has not run.
    pub(crate) fn blank(name: SharedText) -> Self {
        Self {
            name,
            start: 0,
            took: 0,
            budget: 0,
            tasks: TaskList::default(),
        }
    }

    /// Returns the phase's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the time at which the phase began.
    pub fn start(&self) -> Duration {
        Duration::from_nanos(self.start)
    }

    /// Returns the time for which the phase ran.
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.took)
    }

    /// Returns the longest time for which the phase might run.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget)
    }

    /// Returns the phase's tasks, in the order in which they ended.
    pub fn tasks(&self) -> &[TaskReport] {
        &self.tasks
    }

    /// The tasks that the text shows: all that are not done, and the first that
    /// are.
    fn shown(&self) -> impl Iterator<Item = &TaskReport> {
        let mut done = 0;
        self.tasks.iter().filter(move |task| {
            if *task.outcome() == Outcome::Done {
                done += 1;
            }
            *task.outcome() != Outcome::Done || done <= SHOWN
        })
    }
}
