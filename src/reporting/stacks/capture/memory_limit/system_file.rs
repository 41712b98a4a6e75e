//! Reads files of `/proc` and `/sys`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Reads as much of a file as the buffer holds, without allocating. An empty text stands
/// for a file that cannot be read.
pub(super) fn read(path: impl AsRef<Path>, buffer: &mut [u8]) -> &str {
    let read = File::open(path).and_then(|mut file| file.read(buffer));
    let text = read.ok().and_then(|len| buffer.get(..len));
    text.and_then(|text| std::str::from_utf8(text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_cannot_be_read_is_an_empty_text() {
        assert_eq!(read("/nonexistent", &mut [0; 16]), "");
    }
}
