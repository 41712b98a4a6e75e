//! A hang report, to be drawn.

use crate::report::{HangReport, Kind, Task, Thread};
use crate::text;

use super::{Bar, Group, Mark, Span, State, Timeline, count};

pub(super) fn timeline(report: &HangReport) -> Timeline {
    let mut timeline = Timeline {
        title: title(report),
        subtitle: subtitle(report),
        groups: Vec::new(),
        now: report.now.map(|now| Mark {
            name: match report.kind {
                Kind::Deadline => "report",
                Kind::Dump => "dump",
            },
            at: now.0,
        }),
        deadline: report.grace.map(|grace| Mark {
            name: "deadline",
            at: grace.0,
        }),
        notes: notes(report),
    };
    for phase in &report.phases {
        timeline.groups.push(Group {
            name: phase.name.clone(),
            span: Some(Span::new(phase.start, phase.took, phase.budget)),
            bars: Vec::new(),
        });
    }
    for task in &report.tasks {
        let bar = bar(report, task);
        timeline.group(&task.phase).bars.push(bar);
    }
    timeline.sort();
    timeline
}

/// As the first line of the report for people.
fn title(report: &HangReport) -> String {
    let hung: Vec<_> = report.tasks.iter().filter(|task| is_hung(task)).collect();
    let number = hung.len() as u64 + report.unlisted.running;
    if number == 0 {
        return match report.kind {
            Kind::Deadline => "No task is running, but the process has not ended".to_owned(),
            Kind::Dump => "Dump: no task is running".to_owned(),
        };
    }
    let have = count(number, "task has not returned", "tasks have not returned");
    let mut title = match report.kind {
        Kind::Deadline => have,
        Kind::Dump => format!("Dump: {have}"),
    };
    for (place, task) in hung.iter().take(NAMED).enumerate() {
        title += if place == 0 { ": " } else { ", " };
        title += &format!("“{}”", text::clip(&task.name, OF_NAME, 1.0));
    }
    if number > NAMED as u64 {
        title += ", …";
    }
    title
}

/// How many tasks the title names.
const NAMED: usize = 2;

/// How much room a name has there: so many times the font's size.
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
            .map(|it| format!("grace {}", text::seconds(it.0))),
    );
    parts.push(match report.deadline_in {
        Some(left) if left.0 > 0.0 => {
            format!("reported {} before the deadline", text::seconds(left.0))
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

fn bar(report: &HangReport, task: &Task) -> Bar {
    let state = State::from_word(&task.state);
    let span = task.start.zip(task.took);
    let span = span.map(|(start, took)| Span::new(start, took, task.budget));
    let thread = task.thread.map(|id| {
        let known = report.threads.iter().find(|thread| thread.id == id);
        (id, known)
    });
    let mut notes = Vec::new();
    let mut details = vec![format!("registered at {}:{}", task.file, task.line)];
    if !task.says.is_empty() {
        notes.push(format!("says “{}”", task.says));
    }
    if let Some((id, known)) = thread {
        notes.push(match known {
            Some(thread) => in_words(thread, &task.name),
            None => format!("on thread {id}"),
        });
        notes.extend(known.and_then(innermost));
    }
    details.extend(
        thread
            .and_then(|(_, known)| known)
            .map(stack)
            .unwrap_or_default(),
    );
    Bar {
        name: task.name.clone(),
        state,
        is_culprit: is_hung(task) && is_to_blame(report, state, span),
        span,
        notes,
        details,
    }
}

fn is_hung(task: &Task) -> bool {
    matches!(task.state.as_str(), "abandoned" | "running")
}

/// In a dump a task that runs within its budget does what it is there for.
fn is_to_blame(report: &HangReport, state: State, span: Option<Span>) -> bool {
    let is_over = span.is_some_and(|span| span.budget.is_some_and(|budget| span.took > budget));
    report.kind == Kind::Deadline || state == State::Abandoned || is_over
}

/// What a thread does, as `ps` and the kernel have it. Its name is left out
/// where it is the task's, cut to what the system keeps of it.
fn in_words(thread: &Thread, task: &str) -> String {
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
fn innermost(thread: &Thread) -> Option<String> {
    let below = |function: &str| {
        let path = function.trim_start_matches(['<', '&']);
        let roots = ["std::", "core::", "alloc::", "parking_lot"];
        !path.contains("::") || roots.iter().any(|root| path.starts_with(root))
    };
    let frame = thread.stack.iter().find(|frame| !below(&frame.function))?;
    let file = frame
        .site
        .rsplit('/')
        .next()
        .filter(|file| !file.is_empty());
    let file = file.map(|file| format!(", {file}")).unwrap_or_default();
    Some(format!("in {}{file}", frame.function))
}

/// The stack, as far as its functions are known.
fn stack(thread: &Thread) -> Vec<String> {
    let known = thread
        .stack
        .iter()
        .filter(|frame| !frame.function.is_empty());
    known
        .map(|frame| match frame.site.as_str() {
            "" => format!("in {}", frame.function),
            site => format!("in {} ({site})", frame.function),
        })
        .collect()
}
