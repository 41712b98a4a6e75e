//! The health server: answers probes while every other thread of the process is stuck.
//!
//! ```text
//!   deadstop-check ─▶ check ──┐              answer   (pure: a request and facts ─▶ text)
//!   heartbeats, roster, ──────┤                ▲
//!   gates, pools              ├──▶ deadstop-http: serve ◀── listen   (the sockets)
//!   deadstop-report ──────────┘
//! ```
//!
//! `serve` collects the facts, holds the connections, and decides in `slots` which of them it
//! has room for.
//!
//! `deadstop-http` allocates nothing, takes no lock that another thread takes, and calls no
//! code of the application. Everything that it reads is an atomic, or a text whose reader
//! waits for no writer.

mod answer;
mod builder;
mod check;
mod check_threads;
mod error;
mod handle;
mod listen;
mod serve;
mod shared;
mod start;

pub use self::builder::HealthBuilder;
pub use self::check::CheckResult;
pub use self::error::HealthError;
pub use self::handle::Health;
