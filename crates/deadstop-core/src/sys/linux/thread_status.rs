//! A thread's state and signal mask, from `/proc/self/task/TID/status`.

use core::ffi::{CStr, c_int};

use super::descriptor::{close, open, read};
use crate::buffer::TextBuffer;
use crate::number;
use crate::sys::{SignalSet, ThreadStatus};

/// Reads the status of thread `tid` of this process, without an allocator.
/// `None` if there is no such thread, or no `/proc`.
pub fn thread_status(tid: c_int) -> Option<ThreadStatus> {
    let tid = u64::try_from(tid).ok()?;
    let mut path = TextBuffer::<48>::new();
    path.text("/proc/self/task/").number(tid).text("/status\0");
    let path = CStr::from_bytes_with_nul(path.as_bytes()).ok()?;
    // The mask is within the first thousand of some 1,500 bytes.
    let mut buffer = [0; 4096];
    let file = open(libc::AT_FDCWD, path, libc::O_RDONLY).ok()?;
    let mut len = 0_usize;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match read(file, rest) {
            Ok(more @ 1..) => len = len.saturating_add(more),
            _ => break,
        }
    }
    close(file);
    ThreadStatus::parse(buffer.get(..len)?)
}

impl ThreadStatus {
    /// Reads the text of a `status` file.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let field = |name: &[u8]| {
            let mut lines = text.split(|byte| *byte == b'\n');
            let value = lines.find_map(|line| line.strip_prefix(name))?;
            core::str::from_utf8(value.trim_ascii()).ok()
        };
        let blocked = number::parse(field(b"SigBlk:")?, 16)?;
        Some(Self {
            has_ended: field(b"State:")?.starts_with(['Z', 'X']),
            blocked: SignalSet::from_bits(blocked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_and_the_state_are_read() {
        let text =
            b"Name:\tz SigBlk:\nState:\tS (sleeping)\nSigBlk:\t0000000200000001\nSigIgn:\t0\n";
        let status = ThreadStatus::parse(text).unwrap();
        let blocks = |signal| status.blocked.has(signal);
        assert!(blocks(1) && blocks(34) && !blocks(2));
        assert!(!status.has_ended);
        let zombie = ThreadStatus::parse(b"State:\tZ (zombie)\nSigBlk:\t0\n");
        assert!(zombie.unwrap().has_ended);
        assert_eq!(ThreadStatus::parse(b"State:\tS"), None);
    }

    #[test]
    fn calling_thread_has_a_status_and_number_zero_has_none() {
        assert!(!thread_status(crate::tid()).unwrap().has_ended);
        assert_eq!(thread_status(0), None);
        assert_eq!(thread_status(-1), None);
    }
}
