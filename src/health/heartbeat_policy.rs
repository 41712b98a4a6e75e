//! Policies for a stall.

/// The consequence of a stall, besides a line in the log and a status report.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnStall {
    /// No further consequence.
    Report,
    /// The heartbeat counts as not alive while the stall lasts. This is the default. If systemd
    /// runs the program with a watchdog, deadstop triggers that watchdog, and systemd kills and
    /// restarts the service.
    #[default]
    NotAlive,
    /// As `NotAlive`, and the shutdown begins: the process ends at its deadline, whatever
    /// the stalled thread does. The cause is [`Cause::Stalled`](crate::Cause::Stalled).
    Shutdown,
}

impl OnStall {
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn from_number(number: u8) -> Self {
        [Self::Report, Self::NotAlive, Self::Shutdown]
            .into_iter()
            .find(|policy| policy.number() == number)
            .unwrap_or_default()
    }

    /// Returns the word for it in reports.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::NotAlive => "not_alive",
            Self::Shutdown => "shutdown",
        }
    }

    /// Returns the consequence in words.
    pub(super) fn consequence(self) -> &'static str {
        match self {
            Self::Report => "nothing else follows",
            Self::NotAlive => "it counts as not alive until it ticks",
            Self::Shutdown => "the shutdown begins",
        }
    }
}
