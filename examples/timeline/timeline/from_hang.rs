//! A hang report, to be drawn.

use std::time::Duration;

use deadstop::report::{
    FrameSource, HangReport, HungTask, HungThread, ReportKind, StackFrame, StalledHeartbeat,
    TaskKind, TaskState,
};

use crate::report::Seconds;
use crate::text;

use super::{Bar, Group, Mark, Span, State, Timeline, count};

pub(super) fn timeline(report: &HangReport) -> Timeline {
    let mut timeline = Timeline {
        title: title(report),
        subtitle: subtitle(report),
        groups: Vec::new(),
        now: report.now.map(|now| Mark {
            name: match report.kind {
                ReportKind::Status => "status",
                _ => "report",
            },
            at: Seconds::from(now).0,
        }),
        deadline: report.grace.map(|grace| Mark {
            name: "deadline",
            at: Seconds::from(grace).0,
        }),
        notes: notes(report),
    };
    for phase in &report.phases {
        timeline.groups.push(Group {
            name: phase.name.clone(),
            span: Some(span(phase.start, phase.took, phase.budget)),
            bars: Vec::new(),
        });
    }
    for task in &report.tasks {
        let bar = bar(report, task);
        timeline.group(&task.phase).bars.push(bar);
    }
    for stall in &report.stalls {
        let bar = heartbeat(report, stall);
        timeline.group("heartbeats").bars.push(bar);
    }
    timeline.sort();
    timeline
}

/// As the first line of the report for people.
fn title(report: &HangReport) -> String {
    let number = report.hung();
    if number == 0 {
        return match report.kind {
            ReportKind::Status => "Status: no task is running".to_owned(),
            ReportKind::Stall => "Stall: no task is running".to_owned(),
            _ => "No task is running, but the process has not ended".to_owned(),
        };
    }
    let have = count(number, "task has not returned", "tasks have not returned");
    let mut title = match report.kind {
        ReportKind::Status => format!("Status: {have}"),
        ReportKind::Stall => format!("Stall: {have}"),
        ReportKind::Abandoned => format!("Abandoned: {have}"),
        _ => have,
    };
    for (place, task) in report.hung_tasks().take(NAMED).enumerate() {
        title += if place == 0 { ": " } else { ", " };
        title += &format!("“{}”", text::clip(&task.name, OF_NAME, 1.0));
    }
    if number > NAMED as u64 {
        title += ", …";
    }
    title
}

/// The number of tasks that the title names.
const NAMED: usize = 2;

/// The width of a name in the title, as a multiple of the font's size.
const OF_NAME: f64 = 16.0;

fn subtitle(report: &HangReport) -> String {
    let cause = match (&report.cause, report.now) {
        (Some(cause), _) => cause.clone(),
        (None, Some(_)) => "cause not known".to_owned(),
        (None, None) => "the shutdown has not begun".to_owned(),
    };
    let mut parts = vec![cause];
    parts.extend(
        report
            .grace
            .map(|it| format!("grace {}", text::seconds(it.as_secs_f64()))),
    );
    parts.push(match report.deadline_in {
        Some(left) if !left.is_zero() => {
            let left = text::seconds(left.as_secs_f64());
            format!("reported {left} before the deadline")
        }
        Some(_) => "reported at the deadline".to_owned(),
        None => "no deadline".to_owned(),
    });
    parts.push(format!("process {}", report.pid));
    parts.join("  ·  ")
}

fn notes(report: &HangReport) -> Vec<String> {
    let left_out = [
        (report.unlisted.running, "running task", "running tasks"),
        (report.unlisted.waiting, "waiting task", "waiting tasks"),
        (report.unlisted.phases, "phase", "phases"),
    ];
    let mut notes: Vec<_> = left_out
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| format!("and {} not listed", count(*number, one, many)))
        .collect();
    if !report.complete {
        notes.push("some is left out of the report for want of room".to_owned());
    }
    notes
}

fn span(start: Duration, took: Duration, budget: Option<Duration>) -> Span {
    Span::new(start.into(), took.into(), budget.map(Seconds::from))
}

fn bar(report: &HangReport, task: &HungTask) -> Bar {
    let state = state(task.state);
    let span = task.start.zip(task.took);
    let span = span.map(|(start, took)| self::span(start, took, task.budget));
    let thread = task.thread.map(|id| (id, report.thread(id)));
    let mut notes = Vec::new();
    let mut details = vec![format!("registered at {}:{}", task.file, task.line)];
    let kind = kind(task.kind);
    match (kind, task.says.as_str()) {
        (_, "") => {}
        (None, says) => notes.push(format!("says “{says}”")),
        // The library's own words: what is in flight, which job runs for longest.
        (Some(_), says) => notes.push(says.to_owned()),
    }
    if let Some((id, known)) = thread {
        notes.push(match known {
            Some(thread) => in_words(thread, &task.name),
            None => format!("on thread {id}"),
        });
        notes.extend(known.and_then(innermost));
        notes.extend(known.and_then(samples));
    }
    let known = thread.and_then(|(_, known)| known);
    details.extend(known.map(stack).unwrap_or_default());
    Bar {
        name: match kind {
            Some(kind) => format!("{} · {kind}", task.name),
            None => task.name.clone(),
        },
        still_since: known.and_then(|thread| still_since(report, thread)),
        state,
        is_culprit: task.state.hangs() && is_to_blame(report, state, span),
        span,
        notes,
        details,
    }
}

/// Returns the word beside the name of a task that is part of the drain kit.
fn kind(kind: TaskKind) -> Option<&'static str> {
    match kind {
        TaskKind::Child => Some("child"),
        TaskKind::Gate => Some("gate"),
        TaskKind::Pool => Some("pool"),
        TaskKind::Resource => Some("resource"),
        TaskKind::Thread => Some("thread"),
        _ => None,
    }
}

/// A heartbeat that is missing: from its last tick to the report, against its limit.
fn heartbeat(report: &HangReport, stall: &StalledHeartbeat) -> Bar {
    let thread = stall.thread.map(|id| (id, report.thread(id)));
    let age = text::seconds(stall.age.as_secs_f64());
    let mut notes = vec![match stall.limit {
        Some(limit) => format!(
            "no tick for {age} of {}",
            text::seconds(limit.as_secs_f64())
        ),
        None => format!("no tick for {age}"),
    }];
    if let Some((id, known)) = thread {
        notes.push(match known {
            Some(thread) => in_words(thread, &stall.name),
            None => format!("thread {id} is gone"),
        });
        notes.extend(known.and_then(innermost));
    }
    let known = thread.and_then(|(_, known)| known);
    // The chart begins with the shutdown: an earlier tick is left of it.
    let now = report.now.unwrap_or(stall.age);
    let start = now.saturating_sub(stall.age);
    let before = stall.age.saturating_sub(now);
    let limit = stall.limit.map(|limit| limit.saturating_sub(before));
    Bar {
        name: stall.name.clone(),
        state: State::Stalled,
        is_culprit: true,
        span: Some(span(start, now.saturating_sub(start), limit)),
        still_since: known.and_then(|thread| still_since(report, thread)),
        notes,
        details: known.map(stack).unwrap_or_default(),
    }
}

/// The time since which a thread has not moved, if it was sampled.
fn still_since(report: &HangReport, thread: &HungThread) -> Option<f64> {
    let (now, still) = report.now.zip(thread.still_for)?;
    Some(Seconds::from(now.saturating_sub(still)).0)
}

/// Returns the samples' result: the shares of a processor as bars of text, and whether the stacks
/// were the same.
fn samples(thread: &HungThread) -> Option<String> {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let samples = thread.samples.as_ref().filter(|it| !it.shares.is_empty())?;
    let bar = |share: &u8| BARS[usize::from(*share).min(100) * (BARS.len() - 1) / 100];
    let bars: String = samples.shares.iter().map(bar).collect();
    let most = samples.shares.iter().max().copied().unwrap_or_default();
    let mut words = format!("samples {bars} up to {most} % of a processor");
    if samples.stacks > 1 {
        words += &match samples.different_stacks {
            1 => "; all stacks are the same: a loop in one function".to_owned(),
            different if different < samples.stacks => {
                format!(
                    "; {different} of {} stacks are different: a loop",
                    samples.stacks
                )
            }
            _ => "; all stacks are different".to_owned(),
        };
    }
    Some(words)
}

fn state(state: TaskState) -> State {
    match state {
        TaskState::Abandoned => State::Abandoned,
        TaskState::Done => State::Done,
        TaskState::Failed => State::Failed,
        TaskState::Late => State::Late,
        TaskState::Running => State::Running,
        TaskState::Waiting => State::Waiting,
        _ => State::Unknown,
    }
}

/// In any report but the deadline's, a task that runs within its budget is no
/// culprit.
fn is_to_blame(report: &HangReport, state: State, span: Option<Span>) -> bool {
    let is_over = span.is_some_and(|span| span.budget.is_some_and(|budget| span.took > budget));
    report.kind == ReportKind::Deadline || state == State::Abandoned || is_over
}

/// Describes a thread's activity, as `ps` and the kernel do. Leaves out the thread's name if it is
/// the task's, shortened by the system.
fn in_words(thread: &HungThread, task: &str) -> String {
    let mut words = format!("thread {}", thread.id);
    if !task.starts_with(&thread.name) {
        words += &format!(" “{}”", thread.name);
    }
    words += &format!(", {}", thread.state);
    if !matches!(thread.place.as_str(), "" | "-" | "running") {
        words += &format!(" in {}", thread.place);
    }
    words += &format!(": {}", thread.doing);
    words.extend(thread.busy.map(|busy| format!(", {busy} % busy")));
    words
}

/// The innermost function that is the program's, and not of a library below
/// it.
fn innermost(thread: &HungThread) -> Option<String> {
    let below = |function: &str| {
        let path = function.trim_start_matches(['<', '&']);
        let roots = ["std::", "core::", "alloc::", "parking_lot"];
        !path.contains("::") || roots.iter().any(|root| path.starts_with(root))
    };
    let is_own = |frame: &&StackFrame| frame.source == Some(FrameSource::Application);
    let known = |frame: &&StackFrame| frame.function.as_deref().is_some_and(|it| !below(it));
    let mut frames = thread.stack.iter();
    let frame = frames.clone().find(is_own).or_else(|| frames.find(known))?;
    let function = frame.function.as_deref()?;
    let file = frame
        .site
        .as_deref()
        .and_then(|site| site.rsplit('/').next());
    let file = file.map(|file| format!(", {file}")).unwrap_or_default();
    Some(format!("in {function}{file}"))
}

/// The stack, as far as its functions are known.
fn stack(thread: &HungThread) -> Vec<String> {
    let known = thread.stack.iter().filter_map(|frame| {
        let function = frame.function.as_deref()?;
        Some(match &frame.site {
            None => format!("in {function}"),
            Some(site) => format!("in {function} ({site})"),
        })
    });
    known.collect()
}
