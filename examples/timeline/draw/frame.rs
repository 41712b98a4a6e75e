//! The parts above and below the chart.

use svg::Document;

use crate::layout::{LETTER, Layout, MARGIN, PHASE_BAR, Piece, SMALL, TITLE, WIDTH};
use crate::text;
use crate::timeline::{Span, Timeline};

use super::shape::{self, rectangle};

/// The middles of the two lines above the chart.
const TITLE_Y: f64 = 32.0;
const SUBTITLE_Y: f64 = 58.0;

/// The height of the samples in the key.
const KEY: f64 = 12.0;

/// The title and the subtitle.
pub(super) fn head(document: Document, timeline: &Timeline) -> Document {
    let room = WIDTH - 2.0 * MARGIN;
    let title = text::clip(&timeline.title, room, TITLE * text::BOLD);
    let subtitle = text::clip(&timeline.subtitle, room, LETTER);
    document
        .add(shape::text("title", MARGIN, TITLE_Y, &title))
        .add(shape::text("quiet", MARGIN, SUBTITLE_Y, &subtitle))
}

/// The key, and notes on what the report left out.
pub(super) fn foot(mut document: Document, timeline: &Timeline, layout: &Layout<'_>) -> Document {
    let mut lines = layout.foot();
    let y = lines.next().unwrap_or(layout.bottom);
    let mut x = layout.axis.left;
    let sample = |x: f64| Piece {
        left: x,
        right: x + 26.0,
        is_open: false,
    };
    let label = |document: Document, x: &mut f64, words: &str| {
        let at = *x + 34.0;
        *x = at + text::width(words, SMALL) + 22.0;
        document.add(shape::text("small quiet", at, y, words))
    };
    if timeline.bars().any(|bar| bar.span.is_some()) {
        document = document.add(shape::budget(sample(x), y, KEY));
        document = label(document, &mut x, "budget");
    }
    let is_past = |span: Span| span.budget.is_some_and(|budget| span.took > budget);
    if timeline.bars().any(|bar| bar.span.is_some_and(is_past)) {
        let over = rectangle("bar", sample(x), y, KEY);
        let stripes = rectangle("past", sample(x), y, KEY);
        document = document.add(over).add(stripes.set("fill", "url(#stripes)"));
        document = label(document, &mut x, "past the budget");
    }
    if layout.panels.iter().any(|panel| panel.group.span.is_some()) {
        document = document.add(rectangle("phase", sample(x), y, PHASE_BAR));
        document = label(document, &mut x, "phase");
    }
    if timeline.bars().any(|bar| bar.still_since.is_some()) {
        document = document.add(rectangle("still", sample(x), y, 2.0));
        document = label(document, &mut x, "thread has not moved");
    }
    for (note, y) in timeline.notes.iter().zip(lines) {
        document = document.add(shape::text("small quiet", MARGIN, y, note));
    }
    document
}
