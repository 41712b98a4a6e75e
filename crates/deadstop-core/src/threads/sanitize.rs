//! Turns bytes from outside the program into text.

use crate::buffer::TextSlice;

/// Adds `bytes`, with a U+FFFD for each piece that is not UTF-8.
#[inline(never)] // Text of `/proc` is read in many places.
pub fn lossy(line: &mut TextSlice, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        line.text(chunk.valid());
        if !chunk.invalid().is_empty() {
            line.text("\u{fffd}");
        }
    }
}

/// Adds a path as [`lossy`] does. The end of a path matters most: if it is too
/// long, its beginning is left out.
pub fn path(line: &mut TextSlice, path: &[u8]) {
    const CUT: &str = "...";
    let capacity = line.capacity();
    if path.len() <= capacity {
        lossy(line, path);
        return;
    }
    let start = path
        .len()
        .saturating_sub(capacity.saturating_sub(CUT.len()));
    let end = path.get(start..).unwrap_or(&[]);
    // Not in the middle of a character.
    let cut = end.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80);
    line.text(CUT);
    lossy(line, end.get(cut.count()..).unwrap_or(&[]));
}
