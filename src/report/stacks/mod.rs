//! The stacks of threads that hang, for the hang report.
//!
//! A thread is asked for its stack by a signal, and writes it down in the
//! signal's handler. Names come later, from the files that the code is from, by
//! a thread of their own, and only for a reader who has time for them. None of it
//! is on the kill path: a hang in here costs the names, and nothing else.
//!
//! ```text
//! ready ──▶ request ◀── handler     asking, and answering on the other thread
//! namer ──▶ names ──▶ file, words   what is where, in words that fit
//! ```
//!
//! Without the feature `stacks`, and where the C library is not glibc, every
//! stack says that nobody asked for it.

#[cfg(not(deadstop_stacks))]
mod absent;
#[cfg(deadstop_stacks)]
mod present;

#[cfg(not(deadstop_stacks))]
pub(crate) use self::absent::Stacks;
#[cfg(deadstop_stacks)]
pub(crate) use self::present::Stacks;
