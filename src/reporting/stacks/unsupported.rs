//! Stacks where none can be captured.

use std::ffi::c_int;

use super::LookUp;
use crate::reporting::Log;
use deadstop_core::Nanos;
use deadstop_core::stack::{Captured, Stack};

/// Captures nothing, and starts no thread.
pub(crate) struct Stacks;

/// There is no thread to start.
pub(crate) enum SymbolizerStart {}

impl SymbolizerStart {
    pub(crate) fn due(&self, _: Option<Nanos>) -> Option<Nanos> {
        match *self {}
    }

    pub(crate) fn start(&self, _: &Log) {
        match *self {}
    }
}

impl Stacks {
    pub(crate) fn prepare() -> Self {
        Self
    }

    pub(crate) fn starting(&self) -> Option<SymbolizerStart> {
        None
    }

    /// Returns `None`: the program was built without stacks.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        None
    }

    pub(crate) fn refresh(&self, _until: Nanos) {}

    pub(crate) fn capture(&self, tid: c_int, stack: &mut Stack, _until: Nanos) {
        stack.clear(tid);
        stack.captured = Captured::NotAsked;
    }

    pub(crate) fn look_up(&self, _stack: &mut Stack, _what: LookUp, _until: impl Fn() -> Nanos) {}
}
