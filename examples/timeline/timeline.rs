//! The data of a drawing, the same for both kinds of report.

mod from_hang;
mod from_shutdown;

use crate::report::{Report, Seconds};

/// A shutdown, to be drawn.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// The result of the shutdown.
    pub(crate) title: String,
    /// The cause, and other facts about the whole shutdown.
    pub(crate) subtitle: String,
    /// Phases, in the order in which they came.
    pub(crate) groups: Vec<Group>,
    /// The moment of the report, or of the end.
    pub(crate) now: Option<Mark>,
    pub(crate) deadline: Option<Mark>,
    /// Notes on what the report has left out.
    pub(crate) notes: Vec<String>,
}

/// A moment with a name.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) name: &'static str,
    pub(crate) at: f64,
}

/// A phase and its tasks.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// None if it has not begun, or nothing is known of that.
    pub(crate) span: Option<Span>,
    pub(crate) bars: Vec<Bar>,
}

/// A task.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) state: State,
    /// Set if the task hung.
    pub(crate) is_culprit: bool,
    /// None if it has not begun.
    pub(crate) span: Option<Span>,
    /// The time since which its thread has not moved.
    pub(crate) still_since: Option<f64>,
    /// The lines below the bar.
    pub(crate) notes: Vec<String>,
    /// Other facts, for the tooltip.
    pub(crate) details: Vec<String>,
}

/// A start, a length, and the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: f64,
    pub(crate) took: f64,
    /// None if it is without end.
    pub(crate) budget: Option<f64>,
}

/// State of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    Abandoned,
    Cancelled,
    Done,
    Failed,
    Late,
    Refused,
    Running,
    Skipped,
    /// A heartbeat that is missing.
    Stalled,
    /// A state that is not known here.
    Unknown,
    Waiting,
}

impl Timeline {
    pub(crate) fn of(report: &Report) -> Self {
        match report {
            Report::Hang(report) => from_hang::timeline(report),
            Report::Shutdown(report) => from_shutdown::timeline(report),
        }
    }

    /// Every task, phase by phase.
    pub(crate) fn bars(&self) -> impl Iterator<Item = &Bar> {
        self.groups.iter().flat_map(|group| &group.bars)
    }

    /// The last moment at which something was seen to happen.
    pub(crate) fn last(&self) -> f64 {
        let phases = self.groups.iter().filter_map(|group| group.span);
        let spans = phases.chain(self.bars().filter_map(|bar| bar.span));
        let now = self.now.as_ref().map_or(0.0, |now| now.at);
        spans.map(|span| span.start + span.took).fold(now, f64::max)
    }

    /// The group of that name, which is made if it is not there.
    fn group(&mut self, name: &str) -> &mut Group {
        let known = self.groups.iter().position(|group| group.name == name);
        let place = known.unwrap_or(self.groups.len());
        if known.is_none() {
            self.groups.push(Group {
                name: name.to_owned(),
                span: None,
                bars: Vec::new(),
            });
        }
        &mut self.groups[place]
    }

    /// Puts tasks in the order in which they began; those that have not are
    /// last.
    fn sort(&mut self) {
        let start = |bar: &Bar| bar.span.map_or(f64::INFINITY, |span| span.start);
        for group in &mut self.groups {
            group.bars.sort_by(|a, b| start(a).total_cmp(&start(b)));
        }
    }
}

impl Span {
    pub(crate) fn new(start: Seconds, took: Seconds, budget: Option<Seconds>) -> Self {
        Self {
            start: start.0,
            took: took.0,
            budget: budget.filter(|budget| !budget.is_endless()).map(|it| it.0),
        }
    }
}

impl State {
    /// Returns the word for the state.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Refused => "refused",
            Self::Running => "running",
            Self::Skipped => "skipped",
            Self::Stalled => "stalled",
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
        }
    }
}

/// `1 task has not returned`, `2 tasks have not returned`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}
