//! Listening sockets from systemd or from a predecessor, and the replacement of a process by
//! its successor without a refused connection.
//!
//! ```text
//! old process                       successor
//!   hand_over ──── starts ────────▶ inherited() takes the listeners
//!      │                            ... accepts connections ...
//!      ◀──────────── ready ──────── Shutdown::set_ready
//!   MAINPID to systemd
//!   request ──▶ drains, ends
//! ```
//!
//! Both processes share the socket and its queue of connections. So no connection is lost that
//! the old process has not accepted. The guide's page `zero_downtime` compares this with a
//! proxy and with `SO_REUSEPORT`.
//!
//! A supervisor that stops the service before the successor is ready ends both processes:
//! see [`HandOver::start`].

mod attempt;
mod error;
mod inherited;
mod passed;
mod successor;

pub use self::error::{HandOverError, InheritError};
pub use self::inherited::{Inherited, inherited};
pub use self::successor::{HandOver, Successor};
