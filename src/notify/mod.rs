//! systemd's notifications: readiness, reloads, progress of the shutdown, the watchdog.
//!
//! ```text
//! set_ready, reloading ──▶ Notify ──┐
//! deadstop-health ───────▶ Notify ──┼─▶ plan (pure) ──▶ socket
//! request, deadline, roster ────────┘   deadstop-notify
//! ```
//!
//! The thread `deadstop-notify` exists only where `NOTIFY_SOCKET` is set. It allocates
//! nothing, and a manager that does not read costs it no time.
//!
//! A process that was started by its predecessor tells that one too when it is ready.

mod driver;
mod heartbeats;
mod message;
mod plan;
#[cfg_attr(not(target_os = "linux"), path = "no_predecessor.rs")]
mod predecessor;
mod situation;
#[cfg_attr(not(target_os = "linux"), path = "no_socket.rs")]
mod socket;
mod state;

pub(crate) use self::driver::{Driver, STACK, Sources};
#[cfg(feature = "health")]
pub(crate) use self::heartbeats::Seen;
#[cfg(target_os = "linux")]
pub(crate) use self::predecessor::READY_VARIABLE;
pub(crate) use self::predecessor::{adopt_ready_descriptor, announce_ready};
#[cfg(feature = "health")]
pub(crate) use self::predecessor::{is_predecessor_running, ready_descriptor};
pub(crate) use self::socket::Socket;
pub(crate) use self::state::Notify;
