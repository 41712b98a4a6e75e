//! A death, and the report that it left.

use std::time::Duration;

use deadstop::{HangReport, HungTask, HungThread, ReportKind, TaskState, ThreadDetails};

use crate::harness::{Death, End, Victim};

/// Runs `fault`, which asks for its own end, up to its deadline.
pub(crate) fn hung(fault: &str, grace: Duration) -> (Death, HangReport) {
    let death = ended(Victim::watched(fault, grace), grace);
    let report = last(&death);
    (death, report)
}

/// Waits for the end of `victim`, which must come at its deadline.
pub(crate) fn ended(victim: Victim, grace: Duration) -> Death {
    let death = victim.wait();
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= grace, "early: {death:?}");
    death
}

/// The report for the deadline, on standard error.
pub(crate) fn last(death: &Death) -> HangReport {
    let begin = death.stderr.find("deadstop: deadline in ");
    let begin = begin.unwrap_or_else(|| panic!("no report: {death:?}"));
    let report = parsed(&death.stderr[begin..]);
    assert_eq!(report.kind, ReportKind::Deadline, "{death:?}");
    report
}

/// The report that `text` begins with.
pub(crate) fn parsed(text: &str) -> HangReport {
    HangReport::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The task called `name`, which has not returned.
pub(crate) fn running<'a>(report: &'a HangReport, name: &str) -> Running<'a> {
    let task = report.task(name);
    let task = task.unwrap_or_else(|| panic!("no task {name:?}: {report}"));
    Running::of(task).unwrap_or_else(|| panic!("{name:?} does not run: {report}"))
}

/// A task that has not returned.
pub(crate) struct Running<'a> {
    pub(crate) ran: Duration,
    pub(crate) budget: Duration,
    pub(crate) abandoned: bool,
    pub(crate) thread: Option<&'a HungThread>,
    pub(crate) says: &'a str,
}

impl<'a> Running<'a> {
    pub(crate) fn of(task: &'a HungTask) -> Option<Self> {
        match &task.state {
            TaskState::Running {
                ran,
                budget,
                abandoned,
                thread,
                says,
                ..
            } => Some(Self {
                ran: *ran,
                budget: *budget,
                abandoned: *abandoned,
                thread: thread.as_ref(),
                says,
            }),
            _ => None,
        }
    }

    /// What is known of its thread.
    pub(crate) fn details(&self) -> &'a ThreadDetails {
        details(self.thread.expect("its thread is known"))
    }
}

pub(crate) fn details(thread: &HungThread) -> &ThreadDetails {
    thread.details.as_ref().expect("the thread was looked at")
}

/// Whether one of the functions on the stack of `thread` has `part` in its name,
/// in the report for the deadline or in a dump before it: at the deadline there
/// may be no time to look names up.
pub(crate) fn is_in(death: &Death, thread: &HungThread, part: &str) -> bool {
    let text = &death.stderr;
    let begins = ["deadstop: dump, ", "deadstop: deadline in "];
    let reports = begins.iter().flat_map(|begin| text.match_indices(begin));
    reports.into_iter().any(|(begin, _)| {
        let report = parsed(&text[begin..]);
        let same = report.thread(thread.id);
        same.is_some_and(|same| same.functions().any(|function| function.contains(part)))
    })
}
