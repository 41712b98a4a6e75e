//! Values that may be `null`, and the commas of an array.

use core::ffi::c_int;
use core::time::Duration;

use crate::buffer::TextSlice;
use crate::render::text::NO_END;

/// A number; `null` if there is none.
#[inline(never)]
pub(super) fn optional_number(line: &mut TextSlice, number: Option<c_int>) {
    match number {
        Some(number) => line.int(number),
        None => line.text("null"),
    };
}

/// A text; `null` if it is empty.
#[inline(never)]
pub(super) fn optional(line: &mut TextSlice, text: &str) {
    match text {
        "" => line.text("null"),
        text => line.json(text),
    };
}

/// A length of time; `null` if it is not known, or without end.
#[inline(never)]
pub(super) fn length(line: &mut TextSlice, length: Option<Duration>) {
    match length.filter(|length| *length < NO_END) {
        Some(length) => line.decimal_seconds(length),
        None => line.text("null"),
    };
}

/// The commas between the items of an array.
pub(super) struct Items {
    is_first: bool,
}

impl Items {
    pub(super) fn none() -> Self {
        Self { is_first: true }
    }

    /// Another one follows.
    pub(super) fn next(&mut self, line: &mut TextSlice) {
        line.text(if self.is_first { "\n" } else { ",\n" });
        self.is_first = false;
    }
}
