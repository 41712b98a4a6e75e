//! The room where the process ends.
//!
//! The code in this folder runs when every other thread may be wedged: one may
//! hold the allocator's lock, another stderr's lock, a third may be spinning in
//! a destructor. So this code waits for none of them.
//!
//! # The rule
//!
//! In here there is `::core`, and nothing else. In `sys` there is `::libc` too,
//! and of that only bare system calls and what [signal-safety(7)] lists.
//!
//! | not allowed | because |
//! | --- | --- |
//! | allocating or freeing | the allocator's lock may be held for good |
//! | a lock, a `Once`, a channel | its owner may never wake |
//! | `thread_local!` | the first touch may allocate and register a destructor |
//! | a panic, and `[i]`, `+`, `unwrap`, which can | a panic runs the user's hook |
//! | a callback, `dyn Trait`, `log` | it is someone else's code |
//! | `use crate::...` | the rest of the crate does not keep this rule |
//!
//! Four things keep it, so that no reviewer has to: `no_implicit_prelude` below
//! takes `Vec` and `format!` out of scope; the lints below refuse what is left,
//! with the reasons in `clippy.toml`; `tests/fixtures/kill_path_alone.rs`
//! compiles this folder as a crate without `std` or `alloc`; and the
//! `dead_allocator` fault in `tests/faults` runs it in a process whose
//! allocator never returns.
//!
//! # Who lives here
//!
//! ```text
//! watch ──▶ deadline ◀── backstop                 two lines of defence, one word
//! report ──▶ roster, phases, census, stack, line  what the reporter says, and of whom
//! progress ──▶ roster, phases, line               what is said before, by the log's thread
//! sys                                             the system calls under all of them
//! ```
//!
//! [signal-safety(7)]: https://man7.org/linux/man-pages/man7/signal-safety.7.html

#![no_implicit_prelude]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod atomic;
mod backstop;
mod census;
mod deadline;
mod line;
mod phases;
mod progress;
pub(crate) mod report;
mod roster;
mod sizes;
#[cfg_attr(not(deadstop_stacks), expect(dead_code, reason = "nobody fills one"))]
mod stack;
mod sys;
mod text;
mod watch;

pub(crate) use self::backstop::Line3;
pub(crate) use self::census::Census;
#[cfg(deadstop_fuzzing)]
pub(crate) use self::census::outside;
#[cfg(test)]
pub(crate) use self::census::{Call, Descriptor, Doing};
#[cfg(any(test, deadstop_fuzzing))]
pub(crate) use self::census::{Kind, Thread, address, infer, parse, words};
pub(crate) use self::deadline::Deadline;
pub(crate) use self::line::Line;
pub(crate) use self::progress::{Layout, progress};
pub(crate) use self::roster::{Entry, Place, Roster};
pub(crate) use self::sizes::{CAUSE, STACKS};
pub(crate) use self::stack::{Captured, Stack};
#[cfg(deadstop_stacks)]
pub(crate) use self::sys::Errno;
pub(crate) use self::sys::{
    EventCount, Mask, Nanos, Proc, SignalSet, die_of, now, pid, settle, tid,
};
#[cfg(test)]
pub(crate) use self::text::Text;
pub(crate) use self::watch::{Watch, next_look, watch};
