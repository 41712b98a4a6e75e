//! The report of a shutdown that ended in time, to be drawn.

use crate::report::{Outcome, ShutdownReport, TaskReport};
use crate::text;

use super::{Bar, Group, Mark, Span, State, Timeline, count};

pub(super) fn timeline(report: &ShutdownReport) -> Timeline {
    let mut timeline = Timeline {
        title: title(report),
        subtitle: report.cause.clone(),
        groups: Vec::new(),
        now: Some(Mark {
            name: "end",
            at: report.took.0,
        }),
        deadline: None,
        notes: Vec::new(),
    };
    for group in &report.phases {
        let phase = &group.phase;
        timeline.groups.push(Group {
            name: phase.name.clone(),
            span: Some(Span::new(phase.start, phase.took, phase.budget)),
            bars: group.tasks.iter().map(bar).collect(),
        });
    }
    if !report.refused.is_empty() {
        let group = timeline.group("refused");
        group.bars.extend(report.refused.iter().map(bar));
    }
    timeline.sort();
    timeline
}

fn title(report: &ShutdownReport) -> String {
    let tasks = report.phases.iter().flat_map(|phase| &phase.tasks);
    let failed = tasks.filter(|task| is_failure(&task.outcome)).count() as u64;
    let took = text::seconds(report.took.0);
    match failed {
        0 => format!("Stopped in {took}"),
        _ => {
            let undone = count(failed, "task left undone", "tasks left undone");
            format!("Stopped in {took}, with {undone}")
        }
    }
}

/// Whether the task has left undone what it was there for.
fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Cancelled | Outcome::Done | Outcome::Refused => false,
        Outcome::Failed(_) | Outcome::OverBudget | Outcome::Panicked(_) => true,
        Outcome::Skipped(why) => matches!(why.as_str(), "no_time" | "sequence_ended"),
    }
}

fn bar(task: &TaskReport) -> Bar {
    let (state, note) = match &task.outcome {
        Outcome::Cancelled => (State::Cancelled, None),
        Outcome::Done => (State::Done, None),
        Outcome::Failed(message) => (State::Failed, Some(message.clone())),
        Outcome::OverBudget => (State::Abandoned, None),
        Outcome::Panicked(message) => (State::Failed, Some(format!("panicked: {message}"))),
        Outcome::Refused => (State::Refused, None),
        Outcome::Skipped(why) => (State::Skipped, Some(why.replace('_', " "))),
    };
    let ran = !matches!(
        task.outcome,
        Outcome::Cancelled | Outcome::Refused | Outcome::Skipped(_)
    );
    Bar {
        name: task.name.clone(),
        state,
        is_culprit: matches!(task.outcome, Outcome::OverBudget),
        span: ran.then(|| Span::new(task.start, task.took, Some(task.budget))),
        notes: note.into_iter().collect(),
        details: vec![format!("registered at {}", task.site)],
    }
}
