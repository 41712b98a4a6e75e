//! What ran, how it ended, and how long it took.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cause::Cause;
use crate::kill_path::Nanos;

use super::outcome::Outcome;
use super::task::Task;

/// What ran, how it ended, and how long it took.
///
/// All times are counted from the instant at which the watchdog was armed: by the
/// first trigger, unless the program armed it before. As text
/// it is a short table. With the feature `serde` it can be serialised: causes
/// and outcomes as what they are called, times as numbers of seconds.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ShutdownReport {
    cause: Cause,
    phases: Vec<PhaseReport>,
    refused: Vec<TaskReport>,
    #[cfg_attr(feature = "serde", serde(serialize_with = "in_seconds"))]
    took: Duration,
    threads_refused: bool,
    #[cfg(feature = "fault")]
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    missed_faults: Vec<String>,
}

impl ShutdownReport {
    pub(super) fn new(
        cause: Cause,
        phases: Vec<PhaseReport>,
        refused: Vec<TaskReport>,
        took: Duration,
        threads_refused: bool,
    ) -> Self {
        Self {
            cause,
            phases,
            refused,
            took,
            threads_refused,
            #[cfg(feature = "fault")]
            missed_faults: Vec::new(),
        }
    }

    /// Notes which of the planted faults have not struck.
    #[cfg(feature = "fault")]
    pub(super) fn with_missed_faults(self) -> Self {
        Self {
            missed_faults: crate::fault::missed(),
            ..self
        }
    }

    /// Why the shutdown began.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Every phase, in the order in which they came.
    pub fn phases(&self) -> &[PhaseReport] {
        &self.phases
    }

    /// Every task that had been registered when its phase began or while it
    /// ran, phase by phase, in the order in which they ended.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskReport> {
        self.phases.iter().flat_map(|phase| &phase.tasks)
    }

    /// The task of that name, with the path of its scope; of several, the first
    /// that ended.
    pub fn task(&self, name: &str) -> Option<&TaskReport> {
        self.tasks().find(|task| task.name() == name)
    }

    /// The tasks that were registered too late.
    pub fn refused(&self) -> &[TaskReport] {
        &self.refused
    }

    /// From the instant at which it began to the end of its last phase.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Whether the system refused a thread, so that tasks had to wait for each
    /// other.
    pub fn threads_refused(&self) -> bool {
        self.threads_refused
    }

    /// The faults that were planted and have not struck, as `DEADSTOP_FAULT` has
    /// them: no task of that name has run, and no such point was reached. Of a
    /// scope's own report, none.
    ///
    /// Only with the feature `fault`.
    #[cfg(feature = "fault")]
    pub fn missed_faults(&self) -> &[String] {
        &self.missed_faults
    }

    /// Whether every task did what it was there for. Tasks that were cancelled,
    /// refused, or skipped on purpose do not count.
    pub fn is_clean(&self) -> bool {
        !self.phases.iter().any(PhaseReport::has_failure)
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; {} in all", self.cause, Seconds(self.took))?;
        let rows: Vec<_> = self.rows().collect();
        let width = |text: fn(&Row<'_>) -> usize, least: usize| {
            rows.iter().map(text).max().unwrap_or(0).max(least)
        };
        let phase = width(|row| row.phase.chars().count(), 5);
        let name = width(|row| row.task.name().chars().count(), 4);
        if !rows.is_empty() {
            writeln!(
                f,
                "{:phase$}  {:name$}  {:>8}  {:>8}  {:>8}  outcome",
                "phase", "task", "start", "took", "of"
            )?;
        }
        for Row { phase: of, task } in &rows {
            writeln!(
                f,
                "{of:phase$}  {:name$}  {:>8}  {:>8}  {:>8}  {}",
                task.name(),
                Seconds(task.start()).to_string(),
                Seconds(task.took()).to_string(),
                Seconds(task.budget()).to_string(),
                task.outcome
            )?;
        }
        for phase in &self.phases {
            let left_out = phase.tasks.len() - phase.shown().count();
            if left_out > 0 {
                writeln!(f, "{}: and {left_out} more tasks, all done", phase.name)?;
            }
        }
        for task in &self.refused {
            writeln!(
                f,
                "{:?} was registered too late, at {}",
                task.name(),
                task.site()
            )?;
        }
        if self.threads_refused {
            writeln!(f, "the system refused threads: tasks waited for each other")?;
        }
        #[cfg(feature = "fault")]
        for fault in &self.missed_faults {
            writeln!(f, "planted, and did not strike: {fault}")?;
        }
        Ok(())
    }
}

struct Row<'a> {
    phase: &'a str,
    task: &'a TaskReport,
}

impl ShutdownReport {
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.phases.iter().flat_map(|phase| {
            phase.shown().map(|task| Row {
                phase: &phase.name,
                task,
            })
        })
    }
}

/// What became of a phase.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PhaseReport {
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text"))]
    name: Arc<str>,
    #[cfg_attr(feature = "serde", serde(serialize_with = "in_seconds"))]
    start: Duration,
    #[cfg_attr(feature = "serde", serde(serialize_with = "in_seconds"))]
    took: Duration,
    #[cfg_attr(feature = "serde", serde(serialize_with = "in_seconds"))]
    budget: Duration,
    tasks: Vec<TaskReport>,
    #[cfg_attr(feature = "serde", serde(skip))]
    has_failure: bool,
}

/// Of a phase's tasks that are done, the text shows this many.
const SHOWN: usize = 20;

impl PhaseReport {
    pub(super) fn new(
        name: Arc<str>,
        started: Nanos,
        ended: Nanos,
        ends: Nanos,
        begun: Nanos,
        tasks: Vec<TaskReport>,
        has_failure: bool,
    ) -> Self {
        Self {
            name,
            start: started.since(begun),
            took: ended.since(started),
            budget: ends.since(started),
            has_failure,
            tasks,
        }
    }

    pub(super) fn add(&mut self, task: TaskReport) {
        self.has_failure |= task.outcome.is_failure();
        self.tasks.push(task);
    }

    pub(super) fn has_failure(&self) -> bool {
        self.has_failure
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it began.
    pub fn start(&self) -> Duration {
        self.start
    }

    /// How long it ran.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// How long it might have run.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Its tasks, in the order in which they ended.
    pub fn tasks(&self) -> &[TaskReport] {
        &self.tasks
    }

    /// All tasks that are worth a line: those that are not just done, and the
    /// first of those that are.
    fn shown(&self) -> impl Iterator<Item = &TaskReport> {
        let mut done = 0;
        self.tasks.iter().filter(move |task| {
            if task.outcome == Outcome::Done {
                done += 1;
            }
            task.outcome != Outcome::Done || done <= SHOWN
        })
    }
}

/// What became of a task.
#[derive(Clone)]
#[non_exhaustive]
pub struct TaskReport {
    task: Arc<Task>,
    outcome: Outcome,
    // In nanoseconds: there may be ten thousand of these.
    start: u64,
    took: u64,
    budget: u64,
}

impl TaskReport {
    pub(super) fn new(task: Arc<Task>, outcome: Outcome, times: Times) -> Self {
        Self {
            task,
            outcome,
            start: times.started.0.saturating_sub(times.begun.0),
            took: times.ended.0.saturating_sub(times.started.0),
            budget: times.ends.0.saturating_sub(times.started.0),
        }
    }

    pub(super) fn refused(task: Arc<Task>) -> Self {
        Self::new(task, Outcome::Refused, Times::none())
    }

    /// Whether its name begins with the path of a scope.
    pub(super) fn is_below(&self, path: &str) -> bool {
        path.is_empty()
            || self
                .name()
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
    }

    /// Its name, with the path of its scope.
    pub fn name(&self) -> &str {
        &self.task.name
    }

    /// How it ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// When it began; when it was given up, if it never did.
    pub fn start(&self) -> Duration {
        Duration::from_nanos(self.start)
    }

    /// How long it ran, or until it was abandoned.
    pub fn took(&self) -> Duration {
        Duration::from_nanos(self.took)
    }

    /// How long it might have run.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget)
    }

    /// Where it was registered, as `file:line`.
    pub fn site(&self) -> &str {
        self.task.site_in_words()
    }
}

impl fmt::Debug for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskReport")
            .field("name", &self.name())
            .field("outcome", &self.outcome)
            .field("start", &self.start())
            .field("took", &self.took())
            .field("budget", &self.budget())
            .field("site", &self.site())
            .finish()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for TaskReport {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut to = to.serialize_struct("TaskReport", 6)?;
        to.serialize_field("name", self.name())?;
        to.serialize_field("outcome", self.outcome())?;
        to.serialize_field("start", &self.start().as_secs_f64())?;
        to.serialize_field("took", &self.took().as_secs_f64())?;
        to.serialize_field("budget", &self.budget().as_secs_f64())?;
        to.serialize_field("site", self.site())?;
        to.end()
    }
}

/// When a task began and ended, and when it had to.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) begun: Nanos,
    pub(super) started: Nanos,
    pub(super) ended: Nanos,
    pub(super) ends: Nanos,
}

impl Times {
    /// Of a task that never ran.
    fn none() -> Self {
        Self {
            begun: Nanos(0),
            started: Nanos(0),
            ended: Nanos(0),
            ends: Nanos(0),
        }
    }
}

#[cfg(feature = "serde")]
fn as_text<S: serde::Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

/// Durations are numbers of seconds for whoever reads the report elsewhere.
#[cfg(feature = "serde")]
fn in_seconds<S: serde::Serializer>(length: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(length.as_secs_f64())
}

/// A length of time in seconds, to hundredths.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Centuries are what a grace without end amounts to.
        match self.0.as_secs() {
            0..1_000_000 => write!(f, "{:.2} s", self.0.as_secs_f64()),
            _ => f.write_str("no end"),
        }
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use std::panic::Location;

    use serde_json::json;

    use super::*;
    use crate::coordinator::Skip;

    #[test]
    fn serialises_to_names_and_numbers_of_seconds() {
        let site = Location::caller();
        let task = |name: &str, outcome| TaskReport {
            task: Arc::new(Task::named(name, site)),
            outcome,
            start: 1_500_000_000,
            took: 250_000_000,
            budget: 2_000_000_000,
        };
        let site = format!("{}:{}", site.file(), site.line());
        let report = ShutdownReport::new(
            Cause::requested("a test"),
            vec![PhaseReport {
                name: "flush".into(),
                start: Duration::from_secs(1),
                took: Duration::from_secs(1),
                budget: Duration::from_secs(4),
                tasks: vec![
                    task("a", Outcome::Failed("disk full".to_owned())),
                    task("b", Outcome::Skipped(Skip::NoTime)),
                ],
                has_failure: true,
            }],
            Vec::new(),
            Duration::from_millis(2500),
            false,
        );
        assert_eq!(
            serde_json::to_value(&report).unwrap(),
            json!({
                "cause": "request: \"a test\"",
                "phases": [{
                    "name": "flush", "start": 1.0, "took": 1.0, "budget": 4.0,
                    "tasks": [
                        {
                            "name": "a", "outcome": {"failed": "disk full"},
                            "start": 1.5, "took": 0.25, "budget": 2.0,
                            "site": site,
                        },
                        {
                            "name": "b", "outcome": {"skipped": "no_time"},
                            "start": 1.5, "took": 0.25, "budget": 2.0,
                            "site": site,
                        },
                    ],
                }],
                "refused": [],
                "took": 2.5,
                "threads_refused": false,
            })
        );
    }
}
