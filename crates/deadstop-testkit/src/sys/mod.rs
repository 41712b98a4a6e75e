//! System calls of the faults and of the harness.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]

pub(crate) mod allocator;
pub(crate) mod child;
pub(crate) mod environment;
pub(crate) mod pipe;
pub(crate) mod process;
