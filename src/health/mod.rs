//! Heartbeats, which notice that a process hangs before any shutdown, and the health server.
//!
//! ```text
//!  heartbeats ──tick──▶ beats ◀──reads── deadstop-health
//!                                            │ stall
//!                                            ▼
//!                                      deadstop-stalls: log, status report, request
//! ```
//!
//! The thread `deadstop-health` shares no lock with the application, allocates nothing and
//! calls no logger, so it works while every other thread is stuck. The thread `deadstop-stalls`
//! does the work that may block or allocate.

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
