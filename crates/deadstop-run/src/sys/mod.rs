//! System calls.

#![expect(
    unsafe_code,
    reason = "system calls; each block states its preconditions"
)]

pub(crate) mod child;
mod entry;
pub(crate) mod listener;
pub(crate) mod process;
pub(crate) mod signals;
pub(crate) mod terminal;
