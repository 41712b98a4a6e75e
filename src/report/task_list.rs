//! The reports of a phase's tasks.

use std::ops::Deref;
use std::slice;

use super::TaskReport;

/// The reports of a phase's tasks, in the order in which the tasks ended.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(from = "Vec<TaskReport>", into = "Vec<TaskReport>")
)]
pub(crate) struct TaskList {
    reports: Reports,
    has_failure: bool,
}

/// A phase with one task, of which there may be many, needs no memory for a list.
#[derive(Clone, Debug)]
enum Reports {
    One(TaskReport),
    Any(Vec<TaskReport>),
}

impl Default for Reports {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl TaskList {
    /// Makes room for `count` reports.
    pub(crate) fn reserve(&mut self, count: usize) {
        match &mut self.reports {
            Reports::Any(reports) if count > 1 => reports.reserve_exact(count),
            Reports::Any(_) | Reports::One(_) => {}
        }
    }

    pub(crate) fn push(&mut self, report: TaskReport) {
        self.has_failure |= report.outcome().is_failure();
        match &mut self.reports {
            Reports::Any(reports) if reports.capacity() == 0 => self.reports = Reports::One(report),
            Reports::Any(reports) => reports.push(report),
            Reports::One(first) => {
                let first = first.clone();
                self.reports = Reports::Any(vec![first, report]);
            }
        }
    }

    /// Returns `true` if a task left its work undone.
    pub(crate) fn has_failure(&self) -> bool {
        self.has_failure
    }
}

impl Deref for TaskList {
    type Target = [TaskReport];

    fn deref(&self) -> &[TaskReport] {
        match &self.reports {
            Reports::One(report) => slice::from_ref(report),
            Reports::Any(reports) => reports,
        }
    }
}

impl From<Vec<TaskReport>> for TaskList {
    fn from(reports: Vec<TaskReport>) -> Self {
        let mut list = Self::default();
        list.reserve(reports.len());
        for report in reports {
            list.push(report);
        }
        list
    }
}

#[cfg(feature = "serde")]
impl From<TaskList> for Vec<TaskReport> {
    fn from(list: TaskList) -> Self {
        list.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Ending, Outcome, Site};

    fn task(name: &str, outcome: Outcome) -> TaskReport {
        let ending = Ending {
            outcome,
            start: 0,
            took: 0,
            budget: 0,
        };
        TaskReport::new(name.into(), Site::default(), ending)
    }

    #[test]
    fn list_keeps_the_order_whatever_room_was_made() {
        for room in 0..4 {
            let mut list = TaskList::default();
            list.reserve(room);
            for count in 1..4 {
                list.push(task(&count.to_string(), Outcome::Done));
                let names: Vec<_> = list.iter().map(|task| task.name()).collect();
                assert_eq!(names, ["1", "2", "3"][..count]);
            }
        }
    }

    #[test]
    fn list_knows_that_one_of_its_tasks_failed() {
        let outcomes = [Outcome::Done, Outcome::OverBudget, Outcome::Done];
        let mut list = TaskList::default();
        let mut has_failure = Vec::new();
        for outcome in outcomes {
            list.push(task("", outcome));
            has_failure.push(list.has_failure());
        }
        assert_eq!(has_failure, [false, true, true]);
        let again = TaskList::from(list.to_vec());
        assert!(again.has_failure());
    }

    /// A phase's report is made before the shutdown, and takes memory as long as the
    /// process runs.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn report_of_a_phase_and_of_a_task_are_small() {
        assert_eq!(size_of::<TaskReport>(), 16);
        assert_eq!(size_of::<crate::report::PhaseReport>(), 72);
    }
}
