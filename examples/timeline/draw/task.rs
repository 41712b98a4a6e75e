//! Draws a task: its sign, name, bar and state.

use svg::Document;
use svg::node::element::{Group, Path, Title};

use crate::layout::{BAR, INDENT, LETTER, Layout, MARGIN, NOTES, PADDING, Row, STATES, WIDTH};
use crate::text;
use crate::timeline::{Bar, Span, State};

use super::shape::{self, classed, rectangle, rounded};

/// The line below a bar for the time in which the thread has not moved: how high it is, and
/// how far from the bar.
const STILL: f64 = 2.0;

pub(super) fn bar(layout: &Layout<'_>, row: &Row<'_>) -> Group {
    let Row { bar, middle, .. } = *row;
    let left = MARGIN + PADDING;
    let right = WIDTH - MARGIN - PADDING;
    let size = if bar.is_culprit {
        LETTER * text::BOLD
    } else {
        LETTER
    };
    let name = text::clip(&bar.name, layout.names, size);
    let word = if bar.span.is_some() {
        "state"
    } else {
        "state quiet"
    };
    let mut group = classed(Group::new(), class(bar))
        .add(Title::new(in_words(bar)))
        .add(sign(bar.state, left + 6.0, middle))
        .add(shape::text("name", left + INDENT, middle, &name));
    if let Some(span) = bar.span {
        let (within, past) = layout.axis.took(span);
        group = group
            .add(shape::budget(layout.axis.budget(span), middle, BAR))
            .add(rectangle("bar", within, middle, BAR));
        if let Some(past) = past {
            group = group
                .add(rectangle("bar", past, middle, BAR))
                .add(rectangle("past", past, middle, BAR).set("fill", "url(#stripes)"));
        }
        if let Some(since) = bar.still_since {
            let since = since.max(span.start);
            let (still, _) = layout.axis.took(Span {
                start: since,
                took: (span.start + span.took - since).max(0.0),
                budget: None,
            });
            let below = middle + BAR / 2.0 + STILL;
            group = group.add(rectangle("still", still, below, STILL));
        }
        group = group.add(shape::text("quiet end", right, middle, &times(span)));
    }
    group.add(shape::text(word, right - STATES, middle, bar.state.word()))
}

/// The task's progress and its thread's activity, on the lines that the layout keeps free.
pub(super) fn notes(mut document: Document, row: &Row<'_>) -> Document {
    for note in &row.notes {
        document = document.add(shape::text("note quiet", NOTES, note.middle, &note.words));
    }
    document
}

/// `2.00 s of 3.00 s`.
pub(super) fn times(span: Span) -> String {
    let took = text::seconds(span.took);
    match span.budget {
        Some(budget) => format!("{took} of {}", text::seconds(budget)),
        None => took,
    }
}

fn class(bar: &Bar) -> String {
    let culprit = if bar.is_culprit { " culprit" } else { "" };
    format!("task {}{culprit}", bar.state.word())
}

/// Returns the text of the tooltip: all that is known, line by line.
fn in_words(bar: &Bar) -> String {
    let mut first = format!("{}: {}", bar.name, bar.state.word());
    if let Some(span) = bar.span {
        first += &format!(", {} from {}", times(span), text::seconds(span.start));
    }
    let more = bar.notes.iter().chain(&bar.details);
    let lines = std::iter::once(&first).chain(more);
    let lines: Vec<_> = lines.map(|line| text::visible(line)).collect();
    lines.join("\n")
}

/// Draws a sign for each state, for readers who cannot tell colors apart.
fn sign(state: State, x: f64, y: f64) -> Path {
    // Around the point, five pixels to each side.
    let shape = match state {
        // A hook.
        State::Done => "m-4.5 .5 3 3.5 6-7.5",
        // A hook that comes after a bar.
        State::Late => "m-5-4v8m2.5-3.5 2.5 3.5 5-7.5",
        // A cross.
        State::Failed => "m-4-4 8 8m0-8-8 8",
        // An arrow's head.
        State::Running => "m-3-4.5v9l7.5-4.5z",
        // An arrow's head against a bar.
        State::Abandoned => "m-5-4.5v9l6.5-4.5zm9.5 0v9",
        // A line with a beat, and one without.
        State::Stalled => "m-5 0h2.5l2-4.5 2 4.5h4",
        // A ring.
        State::Waiting => "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0",
        // A line.
        State::Cancelled | State::Refused | State::Skipped | State::Unknown => "m-4.5 0h9",
    };
    let (x, y) = (rounded(x), rounded(y));
    classed(Path::new().set("d", format!("M{x} {y}{shape}")), "sign")
}
