//! A thread's state and signal mask in `/proc`, read without an allocator.

use std::ffi::{CStr, c_int};

use deadstop_core::buffer::TextBuffer;
use deadstop_core::sys::SignalSet;

/// A thread's state and signal mask.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Status {
    /// The thread has ended, and only its id still exists.
    pub(crate) has_ended: bool,
    /// The signals that it blocks, as the bits of a [`SignalSet`].
    pub(crate) blocked: u64,
}

/// Reads the status of the thread `tid`; `None` if there is no such thread, or no
/// `/proc`.
pub(crate) fn status(tid: c_int) -> Option<Status> {
    let tid = u64::try_from(tid).ok()?;
    let mut path = TextBuffer::<48>::new();
    path.text("/proc/self/task/").number(tid).text("/status\0");
    let path = CStr::from_bytes_with_nul(path.as_bytes()).ok()?;
    // Some 1,500 bytes; the mask is in the first thousand.
    let mut buffer = [0; 4096];
    let len = read(path, &mut buffer)?;
    parse(&buffer[..len])
}

impl Status {
    pub(crate) fn blocks(&self, signal: c_int) -> bool {
        SignalSet::from_bits(self.blocked).has(signal)
    }
}

fn parse(text: &[u8]) -> Option<Status> {
    let field = |name: &[u8]| {
        let line = text
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(name))?;
        std::str::from_utf8(line.trim_ascii()).ok()
    };
    Some(Status {
        has_ended: field(b"State:")?.starts_with(['Z', 'X']),
        blocked: u64::from_str_radix(field(b"SigBlk:")?, 16).ok()?,
    })
}

/// Fills `buffer` from the file at `path`, and returns how many bytes it read.
fn read(path: &CStr, buffer: &mut [u8]) -> Option<usize> {
    // SAFETY: the path ends with zero. Flags without `O_CREAT` need no mode.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    let mut len = 0;
    while let Some(room) = buffer.get_mut(len..).filter(|room| !room.is_empty()) {
        // SAFETY: the pointer and the length are those of one live slice.
        let read = unsafe { libc::read(file, room.as_mut_ptr().cast(), room.len()) };
        match usize::try_from(read) {
            Ok(1..) => len += read.unsigned_abs(),
            _ => break,
        }
    }
    // SAFETY: the descriptor was opened above, and no other code knows it.
    unsafe { libc::close(file) };
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_and_the_state_are_read() {
        let text =
            b"Name:\tz SigBlk:\nState:\tS (sleeping)\nSigBlk:\t0000000200000001\nSigIgn:\t0\n";
        let status = parse(text).unwrap();
        assert!(status.blocks(1) && status.blocks(34) && !status.blocks(2));
        assert!(!status.has_ended);
        assert!(
            parse(b"State:\tZ (zombie)\nSigBlk:\t0\n")
                .unwrap()
                .has_ended
        );
        assert_eq!(parse(b"State:\tS"), None);
    }

    #[test]
    fn calling_thread_has_a_status_and_number_zero_has_none() {
        assert!(!status(deadstop_core::tid()).unwrap().has_ended);
        assert_eq!(status(0), None);
        assert_eq!(status(-1), None);
    }
}
