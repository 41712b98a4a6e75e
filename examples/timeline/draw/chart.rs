//! Phases, the grid, and the numbers of the axis.

use svg::Document;

use crate::layout::{LETTER, Layout, MARGIN, PADDING, PHASE_BAR, Panel, Piece, WIDTH};
use crate::text;
use crate::timeline::{Bar, State, Timeline};

use super::shape::{self, rectangle, upright};
use super::task::times;

/// From the panels to the middle of the axis's numbers.
const NUMBERS: f64 = 14.0;

/// A number that is nearer to a mark than this would be crossed by it.
const NEAR: f64 = 18.0;

/// Panels, and the times that the phases took.
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
    if layout.panels.is_empty() {
        let (x, y) = (MARGIN, layout.bottom - 12.0);
        let words = "no phase has begun, and no task is known";
        document = document.add(shape::text("quiet", x, y, words));
    }
    document
}

/// The axis, with a line through the chart for each number.
pub(super) fn grid(mut document: Document, timeline: &Timeline, layout: &Layout<'_>) -> Document {
    let axis = &layout.axis;
    let marks = [&timeline.now, &timeline.deadline].into_iter().flatten();
    let marks = marks.filter(|mark| axis.has(mark.at));
    let marks: Vec<_> = marks.map(|mark| axis.x(mark.at)).collect();
    for (x, number) in axis.numbers() {
        if !layout.panels.is_empty() {
            let parts = layout.upright(x, layout.top - 4.0);
            document = document.add(upright("grid", x, &parts));
        }
        if marks.iter().any(|mark| (mark - x).abs() < NEAR) {
            continue;
        }
        let y = layout.top - NUMBERS;
        document = document.add(shape::text("number middle", x, y, &number));
        if layout.is_tall {
            let y = layout.bottom + NUMBERS;
            document = document.add(shape::text("number middle", x, y, &number));
        }
    }
    document
}

/// A phase's name, and the time that it took against its budget.
pub(super) fn phase(document: Document, layout: &Layout<'_>, panel: &Panel<'_>) -> Document {
    let (left, y) = (MARGIN + PADDING, panel.middle);
    let room = layout.axis.left - left - PADDING;
    let name = text::clip(&panel.group.name, room, LETTER * text::BOLD);
    let document = document.add(shape::text("phase-name", left, y, &name));
    let right = WIDTH - MARGIN - PADDING;
    let Some(span) = panel.group.span else {
        let waits = |bar: &Bar| bar.state == State::Waiting;
        return match panel.group.bars.iter().all(waits) {
            true => document.add(shape::text("quiet end", right, y, "not begun")),
            // Not a step of this shutdown: a scope has stopped alone.
            false => document,
        };
    };
    let (within, past) = layout.axis.took(span);
    let mut document = document.add(shape::budget(layout.axis.budget(span), y, PHASE_BAR));
    for piece in [Some(within), past].into_iter().flatten() {
        document = document.add(rectangle("phase", piece, y, PHASE_BAR));
    }
    document.add(shape::text("quiet end", right, y, &times(span)))
}
