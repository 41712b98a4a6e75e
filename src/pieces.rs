//! Pieces of a text that a pipe takes whole.
//!
//! A write of up to `PIPE_BUF` bytes is atomic (pipe(7)), so that the lines of several writers do
//! not mix.

/// `PIPE_BUF` of Linux.
const PIECE: usize = 4096;

/// Returns the length of the first piece of `text`: the longest run of whole lines that a pipe
/// takes whole.
pub(crate) fn first_piece(text: &[u8]) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let end = text[..PIECE].iter().rposition(|byte| *byte == b'\n');
    end.map_or(PIECE, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_ends_with_the_last_whole_line_that_fits() {
        let text = [b"x".repeat(4000), b"\n".to_vec(), b"y".repeat(200)].concat();
        assert_eq!(first_piece(&text), 4001);
        assert_eq!(first_piece(&text[..4096]), 4096);
        assert_eq!(first_piece(&b"x".repeat(5000)), 4096);
        assert_eq!(first_piece(b""), 0);
    }
}
