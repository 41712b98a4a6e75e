//! The drawing.

mod chart;
mod frame;
mod marks;
mod shape;
mod task;

use svg::Document;
use svg::node::element::{Definitions, Line, Pattern, Rectangle, Style, Title};

use crate::layout::{Layout, WIDTH};
use crate::text;
use crate::theme;
use crate::timeline::Timeline;

use self::shape::{classed, rounded};

/// Draws a shutdown as SVG.
pub(crate) fn draw(timeline: &Timeline) -> String {
    let layout = Layout::of(timeline);
    let height = rounded(layout.height);
    let page = Rectangle::new().set("width", WIDTH).set("height", height);
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(text::visible(&timeline.title)))
        .add(Style::new(theme::style()))
        .add(Definitions::new().add(stripes()))
        .add(classed(page, "page"));
    document = frame::head(document, timeline);
    document = chart::behind(document, &layout);
    document = chart::grid(document, timeline, &layout);
    for panel in &layout.panels {
        document = chart::phase(document, &layout, panel);
        for row in &panel.rows {
            document = document.add(task::bar(&layout, row));
        }
    }
    document = marks::draw(document, timeline, &layout);
    for row in layout.panels.iter().flat_map(|panel| &panel.rows) {
        document = task::notes(document, row);
    }
    document = frame::foot(document, timeline, &layout);
    format!("{document}\n")
}

/// The pattern over the part of a bar that is past its budget.
fn stripes() -> Pattern {
    Pattern::new()
        .set("id", "stripes")
        .set("width", 6)
        .set("height", 6)
        .set("patternUnits", "userSpaceOnUse")
        .set("patternTransform", "rotate(45)")
        .add(
            Line::new()
                .set("class", "stripe")
                .set("x1", 0)
                .set("x2", 0)
                .set("y1", 0)
                .set("y2", 6),
        )
}
