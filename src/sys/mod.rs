//! System calls and registrations that the room must not make.
//!
//! This folder is the second of two with `unsafe` blocks; the first is
//! `src/kill_path/sys`. What is here may allocate, lock, or hand a function of
//! ours to somebody who calls it back, and so has no place in the room.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]

#[cfg(feature = "fault")]
pub(crate) mod allocator;
pub(crate) mod atexit;
#[cfg(feature = "fault")]
pub(crate) mod child;
pub(crate) mod command;
pub(crate) mod fork;
pub(crate) mod memory;
#[cfg(feature = "fault")]
pub(crate) mod pipe;
pub(crate) mod poll;
pub(crate) mod signals;
#[cfg(deadstop_stacks)]
pub(crate) mod stacks;
#[cfg(feature = "terminal")]
pub(crate) mod terminal;
pub(crate) mod thread;
#[cfg(feature = "fault")]
pub(crate) mod victim;
