//! The health server: answers probes while every other thread of the process is stuck.
//!
//! ```text
//!   deadstop-check ─▶ check ──┐
//!   heartbeats, roster, ──────┤      request ─▶ answer, metrics     (pure)
//!   gates, pools              ├─▶ facts ──────────▲
//!   deadstop-report ──────────┘                   │
//!                        deadstop-http: serve ─▶ connection, slots  (slots: pure)
//! ```
//!
//! `deadstop-http` allocates nothing, takes no lock that another thread takes, and calls no
//! code of the application. Everything that it reads is an atomic, or a text whose reader
//! waits for no writer.

mod address;
mod answer;
mod builder;
mod check;
mod check_result;
mod checks;
mod collect;
mod connection;
mod error;
mod facts;
mod forked;
mod handle;
mod metrics;
mod open;
mod output;
mod request;
mod seen;
mod serve;
mod shared;
mod slots;
mod sources;
mod start;

pub use self::builder::HealthBuilder;
pub use self::check_result::CheckResult;
pub use self::error::HealthError;
pub use self::handle::Health;
