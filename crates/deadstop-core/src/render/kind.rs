//! The reason for a report.

/// The reason for a report.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Kind {
    /// A task overran its budget, and the coordinator abandoned it.
    Abandoned,
    /// The deadline is near.
    Deadline,
    /// A heartbeat is missing.
    Stall,
    /// The application or an operator asked.
    Status,
}

impl Kind {
    /// Returns the word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Deadline => "deadline",
            Self::Stall => "stall",
            Self::Status => "status",
        }
    }
}
