//! The room for a line of progress.

/// A line of progress is cut to this. A pipe takes as much in one piece.
pub(super) const WIDTH: usize = 2048;
