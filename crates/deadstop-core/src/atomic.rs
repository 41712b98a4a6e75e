//! The atomics of the modules that share state between threads: `core`'s.
//!
//! They have a name of their own so that `tests/loom` can compile the same files
//! with atomics whose every interleaving is tried.

pub(crate) use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
