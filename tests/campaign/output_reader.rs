//! Reads a victim's output.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The bytes to keep: more than one read returns, so the first line is never lost unread.
const MAX_BYTES: usize = 8000;

/// One end of a pipe, while the other is open, and the bytes read from it.
#[derive(Debug)]
pub(crate) struct OutputReader {
    pipe: Option<File>,
    text: Vec<u8>,
}

/// The first line of a victim.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// The victim has armed, with its reading of the clock.
    Armed(u64),
    Refused,
    /// No line that the reader knows.
    None,
}

impl OutputReader {
    pub(crate) fn of(pipe: Option<impl Into<OwnedFd>>) -> Self {
        let pipe = pipe.expect("it is piped").into();
        Self {
            pipe: Some(pipe.into()),
            text: Vec::new(),
        }
    }

    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads the available bytes, and discards old ones.
    pub(crate) fn listen(&mut self) {
        let mut buffer = [0; 4096];
        let pipe = self.pipe.as_mut();
        let read = pipe.map_or(0, |pipe| pipe.read(&mut buffer).unwrap_or(0));
        if read == 0 {
            self.pipe = None;
        }
        self.text.extend(&buffer[..read]);
        let long_ago = self.text.len().saturating_sub(MAX_BYTES);
        self.text.drain(..long_ago);
    }

    /// Returns the first line, if it is complete.
    pub(crate) fn answer(&self) -> Option<Answer> {
        let end = self.text.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&self.text[..end]);
        Some(match line.split_once(' ') {
            Some(("armed", nanos)) => nanos.parse().map_or(Answer::None, Answer::Armed),
            Some(("refused", _)) => Answer::Refused,
            _ => Answer::None,
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}
