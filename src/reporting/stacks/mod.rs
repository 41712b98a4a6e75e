//! The stacks of threads that hang, for the hang report.
//!
//! The reporter sends a thread a signal. The handler copies the thread's registers
//! and a piece of its stack, and returns. The reporter unwinds the copy; the
//! symbolizer, a thread of its own, finds the names later, because that allocates
//! and reads files. None of it is on the kill path: a hang here costs names or
//! stacks, and nothing else.
//!
//! ```text
//! requester ──▶ request ◀── signal_handler    asking, and answering by a copy
//!     │
//!     ├──▶ unwinder ──▶ caller, call_site     from the copy to return addresses
//!     │       ▲
//!     │    shared                             which the symbolizer replaces
//!     │       │
//! symbolizer ─┴▶ modules ──▶ maps, image      the files that code is mapped from
//!     └────────▶ symbols ──▶ debug_info       names and source lines
//!                        └─▶ shorten          in the space that a report has
//! ```
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
