//! The axis: from seconds to pixels.

use crate::timeline::{Span, Timeline};

/// A line of time, from its beginning to a little after all that happened.
#[derive(Debug)]
pub(crate) struct Axis {
    /// The left and the right end.
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// The moment at its end.
    end: f64,
}

/// A piece of the axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// Set if the piece goes on beyond the axis.
    pub(crate) is_open: bool,
}

/// A shorter piece would not be visible.
const LEAST: f64 = 2.5;

/// A deadline so many times as far away as all that happened is not on the
/// axis: what happened would not be seen.
const FAR: f64 = 2.5;

/// Roughly how many pixels there are from one number to the next.
const APART: f64 = 64.0;

impl Axis {
    pub(super) fn new(timeline: &Timeline, left: f64, right: f64) -> Self {
        let last = timeline.last();
        let deadline = timeline.deadline.as_ref().map_or(0.0, |mark| mark.at);
        let is_far = last > 0.0 && deadline > FAR * last;
        let end = match (is_far, deadline >= last) {
            (false, true) => deadline * 1.02,
            _ => last * 1.15,
        };
        // An empty timeline shows one second.
        let end = if end > 0.0 { end } else { 1.0 };
        Self { left, right, end }
    }

    /// Returns `true` if that moment is on the axis.
    pub(crate) fn has(&self, at: f64) -> bool {
        at <= self.end
    }

    pub(crate) fn x(&self, at: f64) -> f64 {
        let share = (at / self.end).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }

    /// From the beginning of `span` for as long as it took, within its budget
    /// and past it.
    pub(crate) fn took(&self, span: Span) -> (Piece, Option<Piece>) {
        let whole = self.piece(span.start, span.took);
        match span.budget.filter(|budget| span.took > *budget) {
            Some(budget) => {
                let end = self.x(span.start + budget);
                let within = Piece {
                    right: end,
                    ..whole
                };
                let past = Piece { left: end, ..whole };
                (within, Some(past))
            }
            None => (whole, None),
        }
    }

    /// From the beginning of `span` for as long as it might have taken.
    pub(crate) fn budget(&self, span: Span) -> Piece {
        self.piece(span.start, span.budget.unwrap_or(f64::INFINITY))
    }

    fn piece(&self, start: f64, length: f64) -> Piece {
        let left = self.x(start);
        // The axis goes on for longer than that behind the last moment.
        let right = self.x(start + length).max(left + LEAST);
        Piece {
            left,
            right,
            is_open: start + length > self.end,
        }
    }

    /// Returns the numbers on the axis, and their positions.
    pub(crate) fn numbers(&self) -> Vec<(f64, String)> {
        let most = (self.right - self.left) / APART;
        let rough = self.end / most;
        let power = rough.log10().floor();
        let unit = 10_f64.powf(power);
        let step = match rough / unit {
            ..=1.0 => unit,
            ..=2.0 => 2.0 * unit,
            ..=5.0 => 5.0 * unit,
            _ => 10.0 * unit,
        };
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        (0..)
            .map(|place| f64::from(place) * step)
            .take_while(|at| self.has(*at))
            .map(|at| (self.x(at), format!("{at:.decimals$} s")))
            .collect()
    }
}
