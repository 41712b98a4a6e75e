//! The application's label of a thread.

use core::ffi::c_int;

use crate::buffer::TextSlice;
use crate::render::Facts;
use crate::sizes::LABEL_LEN;

/// Adds the label of a thread, if it has one.
pub(super) fn label(line: &mut TextSlice, facts: &Facts<'_>, tid: c_int) {
    let mut buffer = [0; LABEL_LEN];
    if let Some(label) = facts.roster.labels.of(tid, &mut buffer) {
        line.text(" at ").quoted(label);
    }
}
