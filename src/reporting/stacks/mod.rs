//! The stacks of threads that hang, for the hang report.
//!
//! The reporter sends a thread a signal. The handler copies the thread's registers
//! and a piece of its stack, and returns. The reporter unwinds the copy; the
//! symbolizer, a thread of its own, finds the names later, because that allocates
//! and reads files. None of it is on the kill path: a hang here costs names or
//! stacks, and nothing else.
//!
//! | in `capture` | does | uses |
//! | --- | --- | --- |
//! | `copy` | asks a thread for its stack, and answers in the signal handler | `unwind` |
//! | `unwind` | finds the return addresses on the copy | `files` |
//! | `symbolizer` | finds names for the reporter, and gives `unwind` the files of now | `names`, `files`, `unwind` |
//! | `names` | reads names and source lines, and cuts them to the space of a report | `files` |
//! | `files` | lists and opens the files that code is mapped from | |
//!
//! Without the feature `stacks`, and on other systems and processors than those of
//! `build.rs`, every stack is `NotAsked`.

#[cfg(deadstop_stacks)]
mod capture;
mod look_up;
#[cfg(not(deadstop_stacks))]
mod unsupported;

#[cfg(deadstop_stacks)]
pub(crate) use self::capture::{Stacks, SymbolizerStart};
#[cfg(not(deadstop_stacks))]
pub(crate) use self::unsupported::{Stacks, SymbolizerStart};

pub(crate) use self::look_up::LookUp;
