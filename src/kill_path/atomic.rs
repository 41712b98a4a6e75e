//! The room's atomics: `::core`'s.
//!
//! By this name, so that `tests/loom` can compile the files of this folder with
//! atomics whose every interleaving is tried.

pub(super) use ::core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
