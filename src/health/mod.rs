//! Heartbeats, which find a process that hangs without being asked to stop.
//!
//! ```text
//!  heartbeats ──tick──▶ beats ◀──reads── deadstop-health
//!                                            │ stall
//!                                            ▼
//!                                      deadstop-stalls: log, status report, request
//! ```
//!
//! The thread `deadstop-health` shares no lock with the application, allocates nothing and
//! calls no logger, so it watches while every other thread is stuck. What may block or
//! allocate is done by `deadstop-stalls`.

mod beat;
mod beats;
mod driver;
mod error;
mod heartbeat;
mod heartbeat_policy;
mod pools;
#[cfg(feature = "tokio")]
mod runtime;
mod server;
mod stalls;
mod start;
mod state;
mod watch;
#[cfg(feature = "tokio")]
mod workers;

pub use self::error::HeartbeatError;
pub use self::heartbeat::{Heartbeat, HeartbeatBuilder, Section};
pub use self::heartbeat_policy::OnStall;
pub use self::server::{CheckResult, Health, HealthBuilder, HealthError};
