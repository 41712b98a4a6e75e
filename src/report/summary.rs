//! The summary of a report: how long each phase took, and the tasks that took long
//! or failed.

use std::fmt;
use std::time::Duration;

use super::text::Seconds;
use super::{PhaseReport, ShutdownReport, TaskReport};
use deadstop_core::escape::Escaped;

/// The largest number of phases, and of tasks, that a summary shows.
const SHOWN: usize = 20;

/// A task that takes this long gets a line, and so does one that takes half of its
/// budget.
const LONG: Duration = Duration::from_secs(1);

/// A report in brief, for an operator, with unsafe characters escaped.
pub(crate) struct Brief<'a>(&'a ShutdownReport);

impl ShutdownReport {
    pub(crate) fn brief(&self) -> Brief<'_> {
        Brief(self)
    }
}

impl Brief<'_> {
    /// Returns the length of the shutdown, and of each phase.
    #[cold]
    pub(crate) fn headline(&self) -> String {
        let took = Seconds(self.0.took());
        let how = match self.0.is_clean() {
            true => "",
            false => ", with something left undone",
        };
        let phases = Phases(self.0.phases());
        format!("shutdown is over after {took}{how}{phases}")
    }
}

impl fmt::Display for Brief<'_> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        let phases = self.0.phases().iter();
        let tasks = phases.flat_map(|phase| phase.tasks().iter().map(move |task| (phase, task)));
        let mut worthy = tasks.filter(|(_, task)| is_worth_a_line(task));
        for (phase, task) in worthy.by_ref().take(SHOWN) {
            let (name, phase) = (task.name(), Escaped(phase.name()));
            let (took, budget) = (Seconds(task.took()), Seconds(task.budget()));
            let outcome = format!("{}", task.outcome());
            let outcome = Escaped(&outcome);
            writeln!(f, "{name:?} of {phase} took {took} of {budget}: {outcome}")?;
        }
        match worthy.count() {
            0 => {}
            more => writeln!(f, "and {more} more that took long or failed")?,
        }
        for task in self.0.refused().iter().take(SHOWN) {
            let (name, site) = (task.name(), Escaped(task.site()));
            writeln!(f, "{name:?} was registered too late, at {site}")?;
        }
        if self.0.threads_refused() {
            writeln!(
                f,
                "the system refused threads, so tasks had to wait for each other"
            )?;
        }
        Ok(())
    }
}

/// The length of each phase, or the longest of many.
struct Phases<'a>(&'a [PhaseReport]);

impl fmt::Display for Phases<'_> {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not by a sort, which is some 10 KB of program.
        let is_shown = |index: usize, took: Duration| {
            let earlier = self.0[..index].iter().filter(|it| it.took() >= took);
            let later = self.0[index..].iter().filter(|it| it.took() > took);
            earlier.count() + later.count() < SHOWN
        };
        let mut separator = ": ";
        for (index, phase) in self.0.iter().enumerate() {
            let took = phase.took();
            if is_shown(index, took) {
                write!(f, "{separator}{} {}", Escaped(phase.name()), Seconds(took))?;
                separator = ", ";
            }
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, ", and {more} that took less"),
        }
    }
}

#[inline(never)] // For two tables and a count.
fn is_worth_a_line(task: &TaskReport) -> bool {
    let is_long = task.took() >= LONG || task.took() > task.budget() / 2;
    task.outcome().is_failure() || is_long
}
