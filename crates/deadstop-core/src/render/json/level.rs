//! The levels of detail of the JSON report.

/// The levels of detail. If a report does not fit, the renderer tries the next level: half an
/// object is of no use to a program.
pub(super) const LEVELS: [Level; 3] = [
    Level {
        frames: usize::MAX,
        others: true,
        is_complete: true,
    },
    Level {
        frames: 0,
        others: true,
        is_complete: false,
    },
    Level {
        frames: 0,
        others: false,
        is_complete: false,
    },
];

/// A level of detail.
pub(super) struct Level {
    /// The most frames of a stack.
    pub(super) frames: usize,
    /// Set if more is rendered than the hung tasks and the stalled heartbeats.
    pub(super) others: bool,
    /// Set if nothing is left out.
    pub(super) is_complete: bool,
}
