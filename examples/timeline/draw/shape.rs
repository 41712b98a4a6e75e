//! Shapes of the drawing.

use svg::node::element::{Path, Rectangle, Text};
use svg::node::{Node, Value};

use crate::layout::Piece;
use crate::text;

/// A hundredth of a pixel is not seen.
pub(super) fn rounded(length: f64) -> f64 {
    // Adding zero makes a negative zero positive.
    (length * 100.0).round() / 100.0 + 0.0
}

pub(super) fn classed<N: Node>(mut node: N, class: impl Into<Value>) -> N {
    node.assign("class", class);
    node
}

/// Text that begins at `x`, unless its class says otherwise, with the middle of
/// its letters at `y`.
pub(super) fn text(class: &str, x: f64, y: f64, words: &str) -> Text {
    let text = Text::new(text::visible(words));
    classed(text.set("x", rounded(x)).set("y", rounded(y)), class)
}

/// A rectangle on that piece of the axis, around `middle`.
pub(super) fn rectangle(class: &str, piece: Piece, middle: f64, height: f64) -> Rectangle {
    let rectangle = Rectangle::new()
        .set("x", rounded(piece.left))
        .set("y", rounded(middle - height / 2.0))
        .set("width", rounded(piece.right) - rounded(piece.left))
        .set("height", height);
    classed(rectangle, class)
}

/// The outline of a budget, which is open if it ends beyond the axis.
pub(super) fn budget(piece: Piece, middle: f64, height: f64) -> Path {
    let (left, right) = (rounded(piece.left), rounded(piece.right));
    let (top, bottom) = (
        rounded(middle - height / 2.0),
        rounded(middle + height / 2.0),
    );
    let end = if piece.is_open { "" } else { "Z" };
    let path = Path::new().set("d", format!("M{right} {top}H{left}V{bottom}H{right}{end}"));
    classed(path, "budget")
}

/// A line at `x`, in parts.
pub(super) fn upright(class: &str, x: f64, parts: &[(f64, f64)]) -> Path {
    let x = rounded(x);
    let parts = parts.iter().map(|(top, bottom)| {
        let (top, bottom) = (rounded(*top), rounded(*bottom));
        format!("M{x} {top}V{bottom}")
    });
    classed(Path::new().set("d", parts.collect::<String>()), class)
}
