//! Bytes from outside, as text.

use ::core::iter::Iterator;

use super::super::line::Line;

/// Adds `bytes`, with a U+FFFD for each piece that is not UTF-8.
pub(crate) fn lossy<const N: usize>(line: &mut Line<N>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        line.text(chunk.valid());
        if !chunk.invalid().is_empty() {
            line.text("\u{fffd}");
        }
    }
}

/// The same for a path, of which the end matters most: if it is too long, what
/// is left out of it is the beginning.
pub(crate) fn path<const N: usize>(line: &mut Line<N>, path: &[u8]) {
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
