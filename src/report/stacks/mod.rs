//! The stacks of threads that hang, for the hang report.
//!
//! A thread is asked for its stack by a signal, and writes it down in the
//! handler: see `capture`. Names come later, and only to whoever has time for
//! them: see `look_up`. Neither is on the kill path; a hang in here costs the
//! report, and nothing else.
//!
//! Without the feature `stacks`, and where the C library is not glibc, every
//! stack says that nobody asked for it.

#[cfg(not(all(feature = "stacks", target_env = "gnu")))]
mod absent;
#[cfg(all(feature = "stacks", target_env = "gnu"))]
mod present;

#[cfg(not(all(feature = "stacks", target_env = "gnu")))]
pub(crate) use self::absent::Stacks;
#[cfg(all(feature = "stacks", target_env = "gnu"))]
pub(crate) use self::present::Stacks;
