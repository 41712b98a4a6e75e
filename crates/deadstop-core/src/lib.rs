//! The part of `deadstop` that works when every other thread of the process is stuck.
//!
//! Another thread may hold the allocator's lock, standard error's lock, or spin
//! in a destructor. The code in this crate therefore waits for no other thread.
//!
//! This crate is an implementation detail of the `deadstop` crate. It has no
//! stable API of its own.
//!
//! # The rule
//!
//! The crate is `#![no_std]`, has no `alloc`, and depends on declarations alone: `libc`, and
//! `windows-sys` on Windows. The `sys` module uses bare system calls and the functions that
//! [signal-safety(7)] lists, and nothing else of `libc`.
//!
//! | not allowed | because |
//! | --- | --- |
//! | allocating or freeing | another thread may hold the allocator's lock for good |
//! | a lock, a `Once`, a channel | its owner may never wake |
//! | thread-local variables | the first access may allocate and register a destructor |
//! | a panic, and `[i]`, `+`, `unwrap`, which can panic | a panic runs the user's hook |
//! | a callback, `dyn Trait`, `log` | it runs code of the application |
//!
//! The compiler keeps the first three; the lints below keep the others. The
//! `dead_allocator` fault in `tests/faults` runs the code in a process whose
//! allocator never returns.
//!
//! # Modules
//!
//! ```text
//! kill_path ──▶ sys                        from the deadline to the exit
//! render ──▶ roster, threads, stack        the reports' text and JSON
//! threads ──▶ sys, buffer                  the thread dump, from /proc
//! roster ──▶ buffer                        tables that tasks write
//! files ──▶ sys                            files to remove at the end
//! slot_state                               claims a slot of a fixed table, without a lock
//! sys ──▶ buffer                           the system calls under all of them
//! buffer ──▶ escape                        text in a fixed buffer
//! ```
//!
//! Only `kill_path` and the parts of `sys` that it uses run between the deadline
//! and the exit. The other modules keep the same rule because the reporter must
//! work in a process whose allocator hangs.
//!
//! [signal-safety(7)]: https://man7.org/linux/man-pages/man7/signal-safety.7.html

#![cfg_attr(not(test), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]
#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "an internal crate: every version of it has one user"
)]

#[cfg(not(any(
    target_os = "linux",
    target_os = "freebsd",
    target_os = "macos",
    windows
)))]
compile_error!(
    "deadstop runs on Linux, FreeBSD, macOS and Windows; it has no backend for this target"
);

mod atomic;
pub mod buffer;
pub mod duration;
pub mod escape;
pub mod files;
pub mod kill_path;
pub mod number;
#[expect(
    missing_docs,
    missing_debug_implementations,
    reason = "documented where a name does not say it"
)]
pub mod render;
pub mod roster;
pub mod search;
mod sizes;
pub mod slot_state;
#[expect(
    missing_docs,
    missing_debug_implementations,
    reason = "documented where a name does not say it"
)]
pub mod stack;
pub mod sys;
#[cfg(test)]
mod tests;
pub mod threads;

pub use self::sizes::{CAUSE_LEN, MAX_STACKS, MAX_STALLS};
pub use self::sys::{EventCount, Nanos, now, pid, tid};
