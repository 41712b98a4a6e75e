//! Reads systemd's answers, until a point in time.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::message::{self, HEAD, Reply};

pub(super) fn left(until: Instant) -> Option<Duration> {
    let left = until.checked_duration_since(Instant::now())?;
    (!left.is_zero()).then_some(left)
}

pub(super) struct Input {
    pub(super) stream: UnixStream,
    pub(super) until: Instant,
}

impl Input {
    /// Reads the lines before the messages, to the one that says that the
    /// question may be asked.
    pub(super) fn authenticate(&mut self) -> Option<()> {
        const LONGEST: usize = 512;
        let mut line = Vec::new();
        let mut total = 0;
        loop {
            let mut byte = [0];
            self.fill(&mut byte)?;
            line.push(byte[0]);
            total += 1;
            if line.ends_with(b"\r\n") {
                match line.as_slice() {
                    [b'O', b'K', b' ', ..] => return Some(()),
                    [b'D', b'A', b'T', b'A', ..] => line.clear(),
                    _ => return None,
                }
            }
            if total == LONGEST {
                return None;
            }
        }
    }

    pub(super) fn message(&mut self) -> Option<Reply> {
        let mut head = [0; HEAD];
        self.fill(&mut head)?;
        let mut message = head.to_vec();
        message.resize(message::length(&head)?, 0);
        self.fill(&mut message[HEAD..])?;
        message::read(&message)
    }

    /// Reads as many bytes as `buffer` holds, unless the time is over.
    fn fill(&mut self, mut buffer: &mut [u8]) -> Option<()> {
        while !buffer.is_empty() {
            self.stream.set_read_timeout(Some(left(self.until)?)).ok()?;
            match self.stream.read(buffer) {
                Ok(0) => return None,
                Ok(read) => buffer = &mut buffer[read..],
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Some(())
    }
}
