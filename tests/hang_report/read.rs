//! Runs a victim to its deadline and reads its report.

use std::time::Duration;

use deadstop::report::{HangReport, HungTask, HungThread, ReportKind};

use crate::files::Files;
use crate::harness::{Death, End, Victim};

/// Runs `fault`, which requests its own shutdown, up to its deadline.
pub(crate) fn hung(fault: &str, grace: Duration) -> (Death, HangReport) {
    let files = Files::new();
    let death = ended(files.victim(fault, grace), grace);
    let report = files.report();
    assert_eq!(report.kind, ReportKind::Deadline, "{death:?}");
    (death, report)
}

/// Waits for the end of `victim`, which must come at its deadline.
pub(crate) fn ended(victim: Victim, grace: Duration) -> Death {
    let death = victim.wait();
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= grace, "too early: {death:?}");
    death
}

/// Returns the hang report on standard error, from its first line.
pub(crate) fn text(death: &Death) -> &str {
    let begin = death.stderr.find("deadstop: deadline in ");
    let begin = begin.unwrap_or_else(|| panic!("no report: {death:?}"));
    &death.stderr[begin..]
}

/// Returns the first screen of the hang report: the lines before the details, at most ten.
pub(crate) fn screen(death: &Death) -> String {
    first_lines(text(death))
}

/// Returns the first screen of the last hang report, which has all function names.
pub(crate) fn last_screen(death: &Death) -> String {
    let begin = death.stderr.rfind("deadstop: deadline in ");
    let begin = begin.unwrap_or_else(|| panic!("no report: {death:?}"));
    first_lines(&death.stderr[begin..])
}

fn first_lines(report: &str) -> String {
    let lines: Vec<_> = report
        .lines()
        .take_while(|line| *line != "deadstop: details:")
        .collect();
    assert!(lines.len() <= 10, "{lines:#?}");
    lines.join("\n")
}

/// Returns the task called `name`, which must not have returned.
pub(crate) fn running<'a>(report: &'a HangReport, name: &str) -> &'a HungTask {
    let task = report.task(name);
    let task = task.unwrap_or_else(|| panic!("no task {name:?}: {report:#?}"));
    assert!(task.state.hangs(), "{name:?} has returned: {report:#?}");
    task
}

/// Returns the thread on which the task called `name` hangs.
pub(crate) fn thread<'a>(report: &'a HangReport, name: &str) -> &'a HungThread {
    let thread = report.thread_of(running(report, name));
    thread.unwrap_or_else(|| panic!("the thread of {name:?} is not listed: {report:#?}"))
}

/// Returns `true` if a function on the stack of `thread` has `part` in its name.
pub(crate) fn is_in(thread: &HungThread, part: &str) -> bool {
    thread.functions().any(|function| function.contains(part))
}
