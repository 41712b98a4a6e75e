//! The C interface of deadstop.
//!
//! ```text
//! watchdog, shutdown, task, heartbeat, signals, report     the functions of deadstop.h
//!    │
//! install ──▶ options                                      what is installed
//!    │
//! state ──▶ error                                          the process's shutdown; codes and words
//! sys                                                      handlers in front of the host's
//! ```
//!
//! Rules of the interface:
//!
//! - Each exported name begins with `deadstop_`.
//! - No panic crosses it: functions that run more than a few atomic operations catch
//!   panics and return a code. The async-signal-safe ones cannot panic.
//! - Structures begin with their size, and new fields come at the end. A caller that was
//!   compiled with an older header leaves them at zero, and zero is the default.
//! - Unless the host asks for it, deadstop ends the process at the deadline only: the
//!   host's own exit goes its way.

#![expect(unsafe_code, reason = "reads pointers of C callers")]
#![expect(
    clippy::exhaustive_structs,
    reason = "C callers fill them; `size` says which version they know"
)]
#![expect(missing_debug_implementations, reason = "C callers see none of them")]
#![expect(
    clippy::doc_markdown,
    reason = "the documentation becomes the comments of a C header"
)]

pub mod error;
pub mod heartbeat;
pub mod install;
pub mod options;
pub mod report;
pub mod shutdown;
pub mod signals;
mod state;
mod sys;
pub mod task;
mod text;
pub mod watchdog;
