//! Phases, the axis, and the moments that count.

use svg::Document;

use crate::layout::{LETTER, Layout, MARGIN, PADDING, PHASE_BAR, Panel, Piece, WIDTH};
use crate::text;
use crate::timeline::{Mark, Timeline};

use super::shape::{self, rectangle, upright};

/// From the numbers of the axis to the panels, and from there to the names of
/// the marks.
const NUMBERS: f64 = 14.0;
const MARKS: f64 = 34.0;

/// Panels, the times that the phases took, the grid and its numbers.
pub(super) fn behind(mut document: Document, layout: &Layout<'_>) -> Document {
    for panel in &layout.panels {
        let whole = Piece {
            left: MARGIN,
            right: WIDTH - MARGIN,
            is_open: false,
        };
        let middle = panel.y + panel.height / 2.0;
        document = document.add(rectangle("panel", whole, middle, panel.height).set("rx", 6));
        if let Some(span) = panel.group.span {
            let took = Piece {
                left: layout.axis.x(span.start),
                right: layout.axis.x(span.start + span.took),
                is_open: false,
            };
            document = document.add(rectangle("window", took, middle, panel.height));
        }
    }
    for (x, number) in layout.axis.numbers() {
        let y = layout.top - NUMBERS;
        document = document
            .add(upright("grid", x, layout.top - 4.0, layout.bottom))
            .add(shape::text("number middle", x, y, &number));
        if layout.is_tall {
            let y = layout.bottom + NUMBERS;
            document = document.add(shape::text("number middle", x, y, &number));
        }
    }
    if layout.panels.is_empty() {
        let (x, y) = (MARGIN + PADDING, layout.bottom - 10.0);
        document = document.add(shape::text(
            "quiet",
            x,
            y,
            "no phase has begun, and no task is known",
        ));
    }
    document
}

/// A phase's name, and the time that it took against its budget.
pub(super) fn phase(document: Document, layout: &Layout<'_>, panel: &Panel<'_>) -> Document {
    let (left, y) = (MARGIN + PADDING, panel.middle);
    let room = layout.axis.left - left - PADDING;
    let name = text::clip(&panel.group.name, room, LETTER);
    let document = document.add(shape::text("phase-name", left, y, &name));
    let right = WIDTH - MARGIN - PADDING;
    let Some(span) = panel.group.span else {
        return document.add(shape::text("quiet end", right, y, "not begun"));
    };
    let (within, past) = layout.axis.took(span);
    let mut document = document.add(shape::budget(layout.axis.budget(span), y, PHASE_BAR));
    for piece in [Some(within), past].into_iter().flatten() {
        document = document.add(rectangle("phase", piece, y, PHASE_BAR));
    }
    let times = super::task::times(span);
    document.add(shape::text("quiet end", right, y, &times))
}

/// The deadline, and the moment of the report.
pub(super) fn marks(mut document: Document, timeline: &Timeline, layout: &Layout<'_>) -> Document {
    let marks = [("report", &timeline.now), ("deadline", &timeline.deadline)];
    let axis = &layout.axis;
    let on_axis = |mark: &&Mark| axis.has(mark.at);
    let shown = |mark: &Option<Mark>| mark.as_ref().filter(on_axis).map(|mark| mark.at);
    let (now, deadline) = (shown(&timeline.now), shown(&timeline.deadline));
    for (class, mark) in marks {
        let Some(mark) = mark else {
            continue;
        };
        let words = format!("{} {}", mark.name, text::seconds(mark.at));
        let class_of_words = if class == "deadline" {
            "small"
        } else {
            "small quiet"
        };
        if !axis.has(mark.at) {
            let words = format!("{words} →");
            document = label(document, layout, class_of_words, "", axis.right, &words);
            continue;
        }
        let x = axis.x(mark.at);
        document = document.add(upright(
            &format!("mark {class}"),
            x,
            layout.top - MARKS + 8.0,
            layout.bottom,
        ));
        // The words go away from the other mark.
        let side = match now.zip(deadline) {
            None => " middle",
            Some((now, deadline)) if (class == "report") == (now <= deadline) => " end",
            Some(_) => "",
        };
        document = label(document, layout, class_of_words, side, x, &words);
    }
    document
}

fn label(
    document: Document,
    layout: &Layout<'_>,
    class: &str,
    side: &str,
    x: f64,
    words: &str,
) -> Document {
    let x = match side {
        " end" => x + 2.0,
        "" => x - 2.0,
        _ => x,
    };
    let class = format!("{class}{side}");
    let mut document = document.add(shape::text(&class, x, layout.top - MARKS, words));
    if layout.is_tall {
        document = document.add(shape::text(&class, x, layout.bottom + MARKS, words));
    }
    document
}
