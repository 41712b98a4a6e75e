//! A report in brief: how long each phase took, and who took long or failed.

use std::cmp::Reverse;
use std::fmt::{self, Write as _};
use std::time::Duration;

use super::shutdown_report::{PhaseReport, Seconds, ShutdownReport, TaskReport};

/// At most so many phases, and so many tasks.
const SHOWN: usize = 20;

/// A task that takes this long is worth a line, as is one that takes half of
/// the time it has.
const LONG: Duration = Duration::from_secs(1);

/// A report in brief, for an operator. Nothing in it moves a terminal's cursor.
pub(crate) struct Brief<'a>(&'a ShutdownReport);

impl ShutdownReport {
    pub(crate) fn brief(&self) -> Brief<'_> {
        Brief(self)
    }
}

impl Brief<'_> {
    /// How long it took, and each phase.
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        let phases = self.0.phases().iter();
        let tasks = phases.flat_map(|phase| phase.tasks().iter().map(move |task| (phase, task)));
        let mut worthy = tasks.filter(|(_, task)| is_worth_a_line(task));
        for (phase, task) in worthy.by_ref().take(SHOWN) {
            let (name, phase) = (task.name(), Escaped(phase.name()));
            let (took, budget) = (Seconds(task.took()), Seconds(task.budget()));
            let outcome = task.outcome().to_string();
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
            writeln!(f, "the system refused threads: tasks waited for each other")?;
        }
        Ok(())
    }
}

/// How long each took, or the longest of many.
struct Phases<'a>(&'a [PhaseReport]);

impl fmt::Display for Phases<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut longest: Vec<_> = self.0.iter().enumerate().collect();
        longest.sort_by_key(|(_, phase)| Reverse(phase.took()));
        longest.truncate(SHOWN);
        longest.sort_by_key(|(place, _)| *place);
        let mut separator = ": ";
        for (_, phase) in &longest {
            let (name, took) = (Escaped(phase.name()), Seconds(phase.took()));
            write!(f, "{separator}{name} {took}")?;
            separator = ", ";
        }
        match self.0.len() - longest.len() {
            0 => Ok(()),
            more => write!(f, ", and {more} that took less"),
        }
    }
}

fn is_worth_a_line(task: &TaskReport) -> bool {
    let is_long = task.took() >= LONG || task.took() > task.budget() / 2;
    task.outcome().is_failure() || is_long
}

/// A text whose control characters are written as in a string of Rust.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_debug()),
            false => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;
    use std::sync::Arc;

    use super::*;
    use crate::cause::Cause;
    use crate::coordinator::outcome::{Outcome, Skip};
    use crate::coordinator::shutdown_report::Times;
    use crate::coordinator::task::Task;
    use crate::kill_path::Nanos;

    fn at(millis: u64) -> Nanos {
        Nanos(millis * 1_000_000)
    }

    /// A task that began at 0, took so many milliseconds, and might have taken
    /// so many.
    fn task(name: &str, outcome: Outcome, took: u64, of: u64) -> TaskReport {
        let times = Times {
            begun: at(0),
            started: at(0),
            ended: at(took),
            ends: at(of),
        };
        let task = Arc::new(Task::named(name, Location::caller()));
        TaskReport::new(task, outcome, times)
    }

    fn phase(name: &str, took: u64, tasks: Vec<TaskReport>) -> PhaseReport {
        let failed = tasks.iter().any(|task| task.outcome().is_failure());
        let (began, of) = (at(0), at(10_000));
        PhaseReport::new(name.into(), began, at(took), of, began, tasks, failed)
    }

    fn brief(phases: Vec<PhaseReport>) -> String {
        let (cause, took) = (Cause::Finished, Duration::from_millis(4310));
        let report = ShutdownReport::new(cause, phases, Vec::new(), took, false);
        report.brief().to_string()
    }

    #[test]
    fn all_phases_have_their_time_and_tasks_only_if_they_took_long() {
        let tasks = vec![
            task("quick", Outcome::Done, 999, 10_000),
            task("long", Outcome::Done, 1000, 10_000),
            task("half its time", Outcome::Done, 51, 100),
        ];
        let phases = vec![phase("drain", 3110, tasks), phase("close", 0, vec![])];
        assert_eq!(
            brief(phases),
            "shutdown is over after 4.31 s: drain 3.11 s, close 0.00 s\n\
             \"long\" of drain took 1.00 s of 10.00 s: done\n\
             \"half its time\" of drain took 0.05 s of 0.10 s: done\n"
        );
    }

    #[test]
    fn who_failed_is_named_and_moves_no_cursor() {
        let failed = Outcome::Failed("no\n\x1b[2J".into());
        let tasks = vec![
            task("a\nb", failed, 0, 10_000),
            task("late", Outcome::OverBudget, 1, 10_000),
            task("on purpose", Outcome::Skipped(Skip::Disabled), 0, 10_000),
        ];
        assert_eq!(
            brief(vec![phase("a\tphase", 0, tasks)]),
            "shutdown is over after 4.31 s, with something left undone: a\\tphase 0.00 s\n\
             \"a\\nb\" of a\\tphase took 0.00 s of 10.00 s: failed: no\\n\\u{1b}[2J\n\
             \"late\" of a\\tphase took 0.00 s of 10.00 s: over budget, abandoned\n"
        );
    }

    #[test]
    fn of_many_the_longest_phases_are_shown_and_the_first_tasks() {
        let long = |n| task(&format!("task {n}"), Outcome::Done, 2000, 10_000);
        let phases = (0..25).map(|n| {
            let tasks = if n == 0 {
                (0..25).map(long).collect()
            } else {
                vec![]
            };
            phase(&format!("p{n}"), n * 100, tasks)
        });
        let brief = brief(phases.collect());
        let lines: Vec<_> = brief.lines().collect();
        assert!(lines[0].contains(" s: p5 0.50 s, p6 0.60 s"), "{brief}");
        assert!(
            lines[0].ends_with("p24 2.40 s, and 5 that took less"),
            "{brief}"
        );
        assert_eq!(lines.len(), 22, "{brief}");
        assert!(lines[20].starts_with("\"task 19\" of p0"), "{brief}");
        assert_eq!(lines[21], "and 5 more that took long or failed");
    }
}
