//! Triggers: what requests the shutdown. A signal, a panic, a call.
//!
//! A trigger arms the watchdog, notes the cause if it is the first, and counts an
//! event that the coordinator waits for. It does no more: it may be running in a
//! signal handler, in a panic hook, or on a thread of a library.
//!
//! Without the feature `shutdown` a trigger only arms the watchdog.

mod grace;
pub(crate) mod panic;
mod replaced;
#[cfg(feature = "shutdown")]
mod request;
#[cfg(feature = "signals")]
pub(crate) mod signal;

pub(crate) use self::grace::set_grace;
#[cfg(feature = "shutdown")]
pub use self::panic::Panics;
pub(crate) use self::replaced::replaced_warning;
#[cfg(feature = "shutdown")]
pub(crate) use self::request::{begin, note_shutdown_begun, on_begin, request_from, reset};
#[cfg(feature = "signals")]
pub use self::signal::SecondSignal;
