//! Primitives that threads share, under one name.
//!
//! `tests/loom` compiles the files that import them from here, with primitives
//! whose every interleaving is tried.

#[cfg(feature = "signals")]
pub(crate) use std::sync::atomic;

#[cfg(feature = "shutdown")]
pub(crate) use crate::lock::{Mutex, MutexGuard};
#[cfg(feature = "shutdown")]
pub(crate) use crossbeam_utils::{Backoff, CachePadded};
#[cfg(feature = "shutdown")]
pub(crate) use std::thread;

#[cfg(feature = "shutdown")]
pub(crate) use crate::sys::published::Published;
#[cfg(feature = "shutdown")]
pub(crate) use deadstop_core::EventCount;
#[cfg(feature = "signals")]
pub(crate) use deadstop_core::Nanos;
#[cfg(feature = "shutdown")]
pub(crate) use deadstop_core::kill_path::Deadline;
