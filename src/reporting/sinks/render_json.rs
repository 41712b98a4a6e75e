//! The JSON renderer, for programs that have a sink for it.

use std::fmt;

use deadstop_core::buffer::TextSlice;
use deadstop_core::render::{self, Facts};

/// Renders a report as JSON. The setters that ask for JSON make it, so that programs
/// without such a sink are not linked with the renderer.
#[derive(Clone, Copy)]
pub(in crate::reporting) struct RenderJson {
    lines: fn(&mut TextSlice, &Facts<'_>),
    line: fn(&mut TextSlice, &Facts<'_>),
}

impl RenderJson {
    pub(super) fn new() -> Self {
        Self {
            lines: render::json,
            line: |to, facts| {
                render::json(to, facts);
                to.join_lines();
            },
        }
    }

    pub(in crate::reporting) fn render(self, to: &mut TextSlice, facts: &Facts<'_>) {
        (self.lines)(to, facts);
    }

    /// Renders it in one line.
    pub(in crate::reporting) fn render_line(self, to: &mut TextSlice, facts: &Facts<'_>) {
        (self.line)(to, facts);
    }
}

/// There is one renderer.
impl PartialEq for RenderJson {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for RenderJson {}

impl fmt::Debug for RenderJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RenderJson")
    }
}
