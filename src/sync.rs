//! The primitives that threads share outside the room.
//!
//! By this name, so that `tests/loom` can compile the files that use them with
//! primitives whose every interleaving is tried.

pub(crate) use std::sync::atomic;

pub(crate) use parking_lot::Mutex;
