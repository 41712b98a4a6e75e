//! The deadline, and the moment of the report.

use svg::Document;

use crate::layout::Layout;
use crate::text;
use crate::timeline::{Mark, Timeline};

use super::shape::{self, upright};

/// From the panels to the middle of the names.
const NAMES: f64 = 36.0;

/// From a mark to its name.
const BESIDE: f64 = 6.0;

/// On which side of its mark a name is.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

pub(super) fn draw(mut document: Document, timeline: &Timeline, layout: &Layout<'_>) -> Document {
    let (now, deadline) = (&timeline.now, &timeline.deadline);
    // The names go away from each other.
    let is_before = |a: &Option<Mark>, b: &Option<Mark>| match (a, b) {
        (Some(a), Some(b)) => a.at <= b.at,
        _ => false,
    };
    let (of_now, of_deadline) = match is_before(now, deadline) {
        true => (Side::Left, Side::Right),
        false if deadline.is_some() => (Side::Right, Side::Left),
        false => (Side::Right, Side::Right),
    };
    if let Some(mark) = now {
        document = self::mark(document, layout, mark, "report", of_now);
    }
    if let Some(mark) = deadline {
        document = self::mark(document, layout, mark, "deadline", of_deadline);
    }
    document
}

fn mark(
    mut document: Document,
    layout: &Layout<'_>,
    mark: &Mark,
    class: &str,
    side: Side,
) -> Document {
    let x = layout.axis.x(mark.at);
    let mut words = format!("{} {}", mark.name, text::seconds(mark.at));
    if layout.axis.has(mark.at) {
        let parts = layout.upright(x, layout.top - NAMES - 8.0);
        document = document.add(upright(&format!("mark {class}"), x, &parts));
    } else {
        words += " →";
    }
    let (x, side) = match side {
        Side::Left => (x - BESIDE, " end"),
        Side::Right => (x + BESIDE, ""),
    };
    let class = format!("small name-of-{class}{side}");
    document = document.add(shape::text(&class, x, layout.top - NAMES, &words));
    if layout.is_tall {
        document = document.add(shape::text(&class, x, layout.bottom + NAMES, &words));
    }
    document
}
