//! The report of a shutdown that ended in time, to be drawn.

use std::time::Duration;

use deadstop::report::{Outcome, ShutdownReport, TaskReport};

use crate::report::Seconds;
use crate::text;

use super::{Bar, Group, Mark, Span, State, Timeline, count};

pub(super) fn timeline(report: &ShutdownReport) -> Timeline {
    let mut timeline = Timeline {
        title: title(report),
        subtitle: report.cause().to_string(),
        groups: Vec::new(),
        now: Some(Mark {
            name: "end",
            at: Seconds::from(report.took()).0,
        }),
        deadline: None,
        notes: Vec::new(),
    };
    for group in report.phases() {
        timeline.groups.push(Group {
            name: group.name().to_owned(),
            span: Some(span(group.start(), group.took(), group.budget())),
            bars: group.tasks().iter().map(bar).collect(),
        });
    }
    if !report.refused().is_empty() {
        let group = timeline.group("refused");
        group.bars.extend(report.refused().iter().map(bar));
    }
    timeline.sort();
    timeline
}

fn title(report: &ShutdownReport) -> String {
    let failures = report.tasks().filter(|task| task.outcome().is_failure());
    let failed = failures.count() as u64;
    let took = text::seconds(Seconds::from(report.took()).0);
    match failed {
        0 => format!("Stopped in {took}"),
        _ => {
            let undone = count(failed, "task left undone", "tasks left undone");
            format!("Stopped in {took}, with {undone}")
        }
    }
}

fn bar(task: &TaskReport) -> Bar {
    let (state, note) = match task.outcome() {
        Outcome::Cancelled => (State::Cancelled, None),
        Outcome::Done => (State::Done, None),
        Outcome::Failed(message) => (State::Failed, Some(message.clone())),
        Outcome::OverBudget => (State::Abandoned, None),
        Outcome::Panicked(message) => (State::Failed, Some(format!("panicked: {message}"))),
        Outcome::Refused => (State::Refused, None),
        Outcome::Skipped(why) => (State::Skipped, Some(why.to_string())),
        _ => (State::Unknown, None),
    };
    let ran = !matches!(
        task.outcome(),
        Outcome::Cancelled | Outcome::Refused | Outcome::Skipped(_)
    );
    Bar {
        name: task.name().to_owned(),
        state,
        is_culprit: matches!(task.outcome(), Outcome::OverBudget),
        still_since: None,
        span: ran.then(|| span(task.start(), task.took(), task.budget())),
        notes: note.into_iter().collect(),
        details: vec![format!("registered at {}", task.site())],
    }
}

fn span(start: Duration, took: Duration, budget: Duration) -> Span {
    Span::new(start.into(), took.into(), Some(budget.into()))
}
