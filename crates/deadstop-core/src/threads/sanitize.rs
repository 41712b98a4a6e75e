//! Turns bytes from outside the program into text.

use crate::buffer::TextBuffer;

/// Adds `bytes`, with a U+FFFD for each piece that is not UTF-8.
pub fn lossy<const N: usize>(line: &mut TextBuffer<N>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        line.text(chunk.valid());
        if !chunk.invalid().is_empty() {
            line.text("\u{fffd}");
        }
    }
}

/// Adds a path as [`lossy`] does. The end of a path matters most: if it is too
/// long, its beginning is left out.
pub fn path<const N: usize>(line: &mut TextBuffer<N>, path: &[u8]) {
    const CUT: &str = "...";
    if path.len() <= N {
        lossy(line, path);
        return;
    }
    let start = path.len().saturating_sub(N.saturating_sub(CUT.len()));
    let end = path.get(start..).unwrap_or(&[]);
    // Not in the middle of a character.
    let cut = end.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80);
    line.text(CUT);
    lossy(line, end.get(cut.count()..).unwrap_or(&[]));
}
