//! No stacks here.

use std::ffi::c_int;

use crate::error::InstallError;
use crate::kill_path::{Captured, Nanos, Stack};

/// Says that nobody asked.
pub(crate) struct Stacks;

impl Stacks {
    pub(crate) fn prepare() -> Result<Self, InstallError> {
        Ok(Self)
    }

    /// Nobody expects any here.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        None
    }

    pub(crate) fn capture(&self, tid: c_int, stack: &mut Stack, _until: Nanos) {
        stack.clear(tid);
        stack.captured = Captured::NotAsked;
    }

    pub(crate) fn look_up(&self, _stack: &mut Stack, _until: impl Fn() -> Nanos) {}
}
