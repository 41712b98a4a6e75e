//! Layout of the drawing. Lengths are in pixels of a drawing [`WIDTH`] wide.

mod axis;

use crate::text;
use crate::timeline::{Bar, Group, Timeline};

pub(crate) use self::axis::{Axis, Piece};

pub(crate) const WIDTH: f64 = 960.0;
/// From the edge to the panels of the phases.
pub(crate) const MARGIN: f64 = 16.0;
/// From the edge of a panel to what is in it.
pub(crate) const PADDING: f64 = 14.0;
/// From there to the name of a task, behind its sign.
pub(crate) const INDENT: f64 = 20.0;
/// The left side of a task's notes: below its name.
pub(crate) const NOTES: f64 = MARGIN + PADDING + INDENT;
/// Width of the column with the states of the tasks.
pub(crate) const STATES: f64 = 206.0;

/// The font's size; of the title, and of what is said less loudly.
pub(crate) const LETTER: f64 = 13.0;
pub(crate) const TITLE: f64 = 19.0;
pub(crate) const SMALL: f64 = 12.0;

/// The height of a task's bar, and of a phase's.
pub(crate) const BAR: f64 = 14.0;
pub(crate) const PHASE_BAR: f64 = 5.0;

const HEADER: f64 = 34.0;
const ROW: f64 = 26.0;
const NOTE: f64 = 18.0;
/// Below the notes of a task.
const AFTER_NOTES: f64 = 6.0;
/// Below the last task of a phase.
const AFTER_TASKS: f64 = 6.0;
/// Between two phases.
const GAP: f64 = 8.0;

/// From a note to the end of a line that it interrupts.
const CLEAR: f64 = 4.0;

/// The top of the first panel: above it are the title, the names of the marks,
/// and the axis.
const TOP: f64 = 126.0;
/// From the last panel to the axis below it.
const FOOT: f64 = 22.0;
/// With more rows than a screen has, the axis is below the chart, too.
const TALL: f64 = 720.0;

/// Names of tasks get as much room as they need, within these bounds.
const NAMES: [f64; 2] = [110.0, 240.0];

/// The whole drawing.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) axis: Axis,
    /// The width of the names.
    pub(crate) names: f64,
    pub(crate) panels: Vec<Panel<'a>>,
    /// The top and the bottom of the panels.
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    pub(crate) is_tall: bool,
    pub(crate) height: f64,
}

/// A phase with its tasks.
#[derive(Debug)]
pub(crate) struct Panel<'a> {
    pub(crate) group: &'a Group,
    pub(crate) y: f64,
    pub(crate) height: f64,
    /// The middle of the line with the phase's name.
    pub(crate) middle: f64,
    pub(crate) rows: Vec<Row<'a>>,
}

/// A task.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) bar: &'a Bar,
    /// The middle of its bar.
    pub(crate) middle: f64,
    pub(crate) notes: Vec<Note>,
}

/// A line below a bar. It begins at [`NOTES`].
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) words: String,
    /// The right limit.
    pub(crate) right: f64,
    pub(crate) middle: f64,
}

impl<'a> Layout<'a> {
    pub(crate) fn of(timeline: &'a Timeline) -> Self {
        let [least, most] = NAMES;
        let names = timeline
            .bars()
            .map(|bar| text::width(&text::visible(&bar.name), LETTER * text::BOLD));
        let names = names.fold(least, f64::max).min(most).ceil();
        let left = MARGIN + PADDING + INDENT + names + PADDING;
        let right = WIDTH - MARGIN - PADDING - STATES - PADDING;
        let mut y = TOP;
        let panels: Vec<_> = timeline
            .groups
            .iter()
            .map(|group| {
                let panel = Panel::of(group, y);
                y += panel.height + GAP;
                panel
            })
            .collect();
        let bottom = if panels.is_empty() { y + ROW } else { y - GAP };
        let is_tall = bottom - TOP > TALL;
        let notes = timeline.notes.len() as f64 * NOTE;
        let foot = FOOT + if is_tall { 2.0 * NOTE } else { 0.0 };
        Self {
            axis: Axis::new(timeline, left, right),
            names,
            panels,
            top: TOP,
            bottom,
            is_tall,
            height: bottom + foot + NOTE + notes,
        }
    }

    /// The parts of an upright line at `x`, through all panels from `top` on,
    /// that cross no note.
    pub(crate) fn upright(&self, x: f64, top: f64) -> Vec<(f64, f64)> {
        let rows = self.panels.iter().flat_map(|panel| &panel.rows);
        let notes = rows.flat_map(|row| &row.notes);
        let mut parts = Vec::new();
        let mut from = top;
        for note in notes.filter(|note| (NOTES - CLEAR..note.right + CLEAR).contains(&x)) {
            let [above, below] = [-NOTE, NOTE].map(|height| note.middle + height / 2.0);
            if from < above {
                parts.push((from, above));
            }
            from = below;
        }
        parts.push((from, self.bottom));
        parts
    }

    /// The middles of the lines below the chart: the key, then notes.
    pub(crate) fn foot(&self) -> impl Iterator<Item = f64> {
        let first = self.bottom + FOOT + if self.is_tall { 2.0 * NOTE } else { 0.0 };
        (0..).map(move |line| first + f64::from(line) * NOTE)
    }
}

impl<'a> Panel<'a> {
    fn of(group: &'a Group, top: f64) -> Self {
        let mut y = top + HEADER;
        let rows = group.bars.iter().map(|bar| {
            let row = Row::of(bar, y);
            y += row.height();
            row
        });
        let rows: Vec<_> = rows.collect();
        if !rows.is_empty() {
            y += AFTER_TASKS;
        }
        Self {
            group,
            y: top,
            height: y - top,
            middle: top + HEADER / 2.0,
            rows,
        }
    }
}

impl<'a> Row<'a> {
    fn of(bar: &'a Bar, top: f64) -> Self {
        let room = WIDTH - MARGIN - PADDING - NOTES;
        let notes = bar.notes.iter().enumerate().map(|(line, note)| {
            let words = text::clip(note, room, SMALL);
            Note {
                right: NOTES + text::width(&words, SMALL).min(room),
                words,
                middle: top + ROW + (line as f64 + 0.5) * NOTE - 2.0,
            }
        });
        Self {
            bar,
            middle: top + ROW / 2.0,
            notes: notes.collect(),
        }
    }

    fn height(&self) -> f64 {
        let after = if self.notes.is_empty() {
            0.0
        } else {
            AFTER_NOTES
        };
        ROW + self.notes.len() as f64 * NOTE + after
    }
}
