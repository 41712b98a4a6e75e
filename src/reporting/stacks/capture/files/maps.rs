//! The lines of `/proc/self/maps`, read without an allocator.
//!
//! The kernel says where every file is mapped, whatever C library loaded it, and
//! takes no lock of the loader's for that.

use std::fs::File;
use std::io::Read;
use std::ops::{ControlFlow, Range};

use deadstop_core::number;

/// Bytes of a line at most: its figures, and a path of 4096.
const LINE: usize = 4096 + 128;

/// One mapping.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mapping<'a> {
    pub(crate) range: Range<u64>,
    pub(crate) is_executable: bool,
    /// The begin of the mapping in its file.
    pub(crate) offset: u64,
    /// The file's device and inode, as the kernel writes them.
    pub(crate) id: &'a [u8],
    /// The file's path, or a name in brackets, or empty.
    pub(crate) path: &'a [u8],
}

/// Shows `visit` each mapping of this process, until it breaks.
pub(crate) fn each(visit: &mut dyn FnMut(&Mapping<'_>) -> ControlFlow<()>) {
    let Ok(mut file) = File::open("/proc/self/maps") else {
        return;
    };
    let mut buffer = [0; LINE];
    let mut len = 0;
    loop {
        // A line that is longer than the buffer is not one of a file with code.
        len = if len == buffer.len() { 0 } else { len };
        len += match file.read(&mut buffer[len..]) {
            Ok(read @ 1..) => read,
            _ => return,
        };
        let mut begin = 0;
        while let Some(end) = buffer[begin..len].iter().position(|byte| *byte == b'\n') {
            if let Some(mapping) = parse(&buffer[begin..begin + end]) {
                if visit(&mapping).is_break() {
                    return;
                }
            }
            begin += end + 1;
        }
        buffer.copy_within(begin..len, 0);
        len -= begin;
    }
}

/// Reads a line: `from-to rwxp offset device inode   path`.
fn parse(line: &[u8]) -> Option<Mapping<'_>> {
    let (range, rest) = field(line)?;
    let (access, rest) = field(rest)?;
    let (offset, rest) = field(rest)?;
    let id = rest;
    let (_device, rest) = field(rest)?;
    let (inode, rest) = field(rest)?;
    let id = &id[..id.len() - rest.len()];
    let dash = range.iter().position(|byte| *byte == b'-')?;
    Some(Mapping {
        range: hex(&range[..dash])?..hex(&range[dash + 1..])?,
        is_executable: access.get(2) == Some(&b'x'),
        offset: hex(offset)?,
        id: if inode == b"0" { b"" } else { id.trim_ascii() },
        path: rest.trim_ascii_start(),
    })
}

/// The first field of `text`, and the rest.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == b' ');
    let end = end.unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn hex(text: &[u8]) -> Option<u64> {
    number::parse(std::str::from_utf8(text).ok()?, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_of_a_file_is_read() {
        let line = b"1000-2f00 r-xp 00000a00 08:01 77                /usr/lib/a file.so (deleted)";
        assert_eq!(
            parse(line),
            Some(Mapping {
                range: 0x1000..0x2f00,
                is_executable: true,
                offset: 0xa00,
                id: b"08:01 77",
                path: b"/usr/lib/a file.so (deleted)",
            })
        );
    }

    #[test]
    fn line_without_a_file_has_neither_path_nor_id() {
        let mapping = parse(b"ffff1000-ffff2000 rw-p 00000000 00:00 0 ").unwrap();
        assert_eq!((mapping.path, mapping.id), (&b""[..], &b""[..]));
        assert!(!mapping.is_executable);
        assert_eq!(parse(b"1000 r-xp"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn code_of_this_test_is_found_in_its_program() {
        let here = parse as *const () as u64;
        let program = std::env::current_exe().unwrap();
        let mut found = None;
        each(&mut |mapping| {
            if !mapping.range.contains(&here) {
                return ControlFlow::Continue(());
            }
            let path = program.as_os_str().as_encoded_bytes();
            found = Some(mapping.is_executable && mapping.path == path);
            ControlFlow::Break(())
        });
        assert_eq!(found, Some(true));
    }
}
