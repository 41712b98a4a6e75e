//! One stack, with the frames folded that say little.

use crate::buffer::TextSlice;
use crate::render::frames::{self, Owner, owner};
use crate::render::words;
use crate::stack::{Captured, Stack};

/// Adds the `frames` innermost frames of `stack`.
pub(super) fn render(line: &mut TextSlice, stack: &Stack, frames: usize) {
    render_after(line, REPORT, stack, frames);
}

/// The beginning of a line in a report.
const REPORT: &str = "deadstop:   ";

/// Adds the `frames` innermost frames of `stack`, each line after `indent`.
pub(super) fn render_after(
    line: &mut TextSlice,
    indent: &'static str,
    stack: &Stack,
    frames: usize,
) {
    if stack.captured != Captured::Yes {
        line.text(indent)
            .text("no stack: ")
            .text(words::no_stack(stack.captured))
            .text("\n");
        return;
    }
    let has_names = stack
        .frames()
        .any(|frame| !frame.function.as_str().is_empty());
    match has_names {
        true => folded(line, indent, stack, frames),
        false => unnamed(line, indent, stack, frames),
    }
    let more = stack.frames().count().saturating_sub(frames);
    let left_out = stack.left_out.saturating_add(more);
    if left_out > 0 {
        line.text(indent)
            .text("and ")
            .number(left_out as u64)
            .text(" more frames\n");
    }
}

/// A line for each frame of the application, and for the innermost of all; one line for each
/// run of others. Frames of a stripped file keep their places, for a symbolizer.
fn folded(line: &mut TextSlice, indent: &'static str, stack: &Stack, frames: usize) {
    let mut fold = Fold::new(indent);
    let mut in_places = false;
    for (index, frame) in stack.frames().take(frames).enumerate() {
        let owner = owner(frame);
        if owner == Owner::Unknown && index > 0 && !frame.module.as_str().is_empty() {
            fold.end(line);
            if !in_places {
                line.text(indent).text("at");
            }
            in_places = true;
            frames::location(line.text(" "), frame);
            continue;
        }
        if in_places {
            line.text("\n");
        }
        in_places = false;
        if owner == Owner::Application || index == 0 {
            fold.end(line);
            line.text(indent).text("#").number(index as u64).text(" ");
            frames::frame(line, frame);
            line.text("\n");
        } else {
            fold.add(owner);
        }
    }
    if in_places {
        line.text("\n");
    }
    fold.end(line);
}

/// All on one line: without names they are of use to a symbolizer only.
fn unnamed(line: &mut TextSlice, indent: &'static str, stack: &Stack, frames: usize) {
    line.text(indent).text("at");
    for frame in stack.frames().take(frames) {
        frames::location(line.text(" "), frame);
    }
    line.text("\n");
}

/// A run of frames that say little.
struct Fold {
    indent: &'static str,
    frames: u64,
    owners: [Option<Owner>; 3],
}

impl Fold {
    const fn new(indent: &'static str) -> Self {
        Self {
            indent,
            frames: 0,
            owners: [None; 3],
        }
    }

    fn add(&mut self, owner: Owner) {
        self.frames = self.frames.saturating_add(1);
        if !self.owners.contains(&Some(owner)) {
            if let Some(free) = self.owners.iter_mut().find(|known| known.is_none()) {
                *free = Some(owner);
            }
        }
    }

    /// Adds `… 18 frames of std, deadstop`, and begins anew.
    fn end(&mut self, line: &mut TextSlice) {
        match self.frames {
            0 => return,
            1 => line.text(self.indent).text("… 1 frame of "),
            frames => line
                .text(self.indent)
                .text("… ")
                .number(frames)
                .text(" frames of "),
        };
        for (index, owner) in self.owners.iter().flatten().enumerate() {
            line.text(if index == 0 { "" } else { ", " })
                .text(owner.word());
        }
        line.text("\n");
        *self = Self::new(self.indent);
    }
}
