//! systemd: the unit that a process belongs to, and what the manager says of it.

#[cfg(target_os = "linux")]
mod ask;
#[cfg(target_os = "linux")]
mod input;
#[cfg(target_os = "linux")]
mod message;
#[cfg(target_os = "linux")]
mod questions;
mod unit;

#[cfg(target_os = "linux")]
pub(super) use ask::ask;
pub use unit::Unit;
#[cfg(target_os = "linux")]
pub(super) use unit::is_of_user;
pub(super) use unit::service_of;
