//! The stacks of threads that hang, for the hang report.
//!
//! A thread is asked for its stack by a signal, and writes it down in the
//! signal's handler. Names come later, from the files that the code is from,
//! and only for a reader who has time for them. None of it is on the kill path:
//! a hang in here costs the report, and nothing else.
//!
//! ```text
//! ready ──▶ request ◀── handler     asking, and answering on the other thread
//! names ──▶ file, words             what is where, in words that fit
//! ```
//!
//! Without the feature `stacks`, and where the C library is not glibc, every
//! stack says that nobody asked for it.

// 32-bit Arm unwinds by tables of its own, with other functions.
#[cfg(not(all(feature = "stacks", target_env = "gnu", not(target_arch = "arm"))))]
mod absent;
#[cfg(all(feature = "stacks", target_env = "gnu", not(target_arch = "arm")))]
mod present;

#[cfg(not(all(feature = "stacks", target_env = "gnu", not(target_arch = "arm"))))]
pub(crate) use self::absent::Stacks;
#[cfg(all(feature = "stacks", target_env = "gnu", not(target_arch = "arm")))]
pub(crate) use self::present::Stacks;
