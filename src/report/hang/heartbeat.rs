//! Stalled heartbeats of a hang report.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wire;

/// A heartbeat that is stalled.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, StalledHeartbeat};
///
/// /// Returns the heartbeat that has been silent for longest, and what its thread does.
/// fn most_stalled(report: &HangReport) -> Option<(&StalledHeartbeat, &str)> {
///     let stall = report.stalls.iter().max_by_key(|stall| stall.age)?;
///     let thread = report.thread(stall.thread?)?;
///     Some((stall, thread.doing.as_str()))
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StalledHeartbeat {
    /// The heartbeat's name. Several heartbeats may have the same one.
    pub name: String,
    /// The time since its last tick.
    #[serde(with = "wire::seconds")]
    pub age: Duration,
    /// The longest time that may pass between two ticks; `None` if unlimited.
    #[serde(with = "wire::maybe_seconds")]
    pub limit: Option<Duration>,
    /// The id of the thread that ticked last; `None` if there is none, as for a runtime's
    /// heartbeat.
    pub thread: Option<u32>,
    /// The policy that the heartbeat was started with.
    pub policy: StallPolicy,
}

/// The policy for a stall, with which the heartbeat was started.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, StallPolicy};
///
/// /// Whether a stall ends the process.
/// fn ends_the_process(report: &HangReport) -> bool {
///     let mut stalls = report.stalls.iter();
///     stalls.any(|stall| stall.policy == StallPolicy::Shutdown)
/// }
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StallPolicy {
    /// Only this report.
    Report,
    /// The heartbeat counts as not alive until it ticks.
    NotAlive,
    /// The shutdown begins.
    Shutdown,
    /// A policy that this version does not know.
    #[serde(other)]
    Unknown,
}
