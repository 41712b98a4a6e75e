//! A line of `/proc/self/maps`.

use core::ffi::CStr;

/// The list of mappings.
pub(crate) const LIST: &CStr = c"/proc/self/maps";

/// A piece of the address space.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mapping<'a> {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) is_code: bool,
    /// The begin of the mapping in its file.
    pub(crate) offset: u64,
    /// 0 without a file.
    pub(crate) inode: u64,
    /// The path of its file, or a name in brackets; empty without a name.
    path: &'a [u8],
}

impl<'a> Mapping<'a> {
    /// Reads `START-END PERMISSIONS OFFSET DEVICE INODE   PATH`.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.splitn(6, |byte| *byte == b' ');
        let (start, end) = text(fields.next()?)?.split_once('-')?;
        let permissions = fields.next()?;
        let offset = text(fields.next()?)?;
        let _device = fields.next()?;
        let inode = text(fields.next()?)?;
        Some(Self {
            start: usize::from_str_radix(start, 16).ok()?,
            end: usize::from_str_radix(end, 16).ok()?,
            is_code: permissions.get(2) == Some(&b'x'),
            offset: u64::from_str_radix(offset, 16).ok()?,
            inode: inode.parse().ok()?,
            path: fields.next().unwrap_or(&[]).trim_ascii(),
        })
    }

    pub(crate) fn has(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// Returns `true` for code that no file has: a runtime has generated it. Some runtimes map it
    /// twice, from a file in memory.
    pub(crate) fn is_generated(&self) -> bool {
        let is_kernel = [&b"[vdso]"[..], b"[vsyscall]", b"[uprobes]"].contains(&self.path);
        let in_memory = [&b"/memfd:"[..], b"/dev/zero", b"/dev/shm/"];
        let is_in_memory = in_memory.iter().any(|start| self.path.starts_with(start));
        self.is_code && (self.inode == 0 || is_in_memory) && !is_kernel
    }

    /// The file's name without its folder; `[anon]` without a name.
    pub(crate) fn name(&self) -> &'a [u8] {
        let name = self.path.rsplit(|byte| *byte == b'/').next();
        name.filter(|name| !name.is_empty()).unwrap_or(b"[anon]")
    }
}

fn text(field: &[u8]) -> Option<&str> {
    core::str::from_utf8(field).ok()
}

#[cfg(test)]
mod tests {
    use super::Mapping;

    fn parse(line: &str) -> Mapping<'_> {
        Mapping::parse(line.as_bytes()).expect("a mapping")
    }

    #[test]
    fn file_with_spaces_in_its_path_is_read() {
        let mapping = parse("7f10-7f20 r-xp 00001000 08:01 4711      /opt/a b/lib c.so");
        assert_eq!(
            (mapping.start, mapping.end, mapping.offset),
            (0x7f10, 0x7f20, 0x1000)
        );
        assert_eq!(mapping.name(), b"lib c.so");
        assert!(mapping.is_code && !mapping.is_generated());
        assert!(mapping.has(0x7f10) && !mapping.has(0x7f20));
    }

    #[test]
    fn code_without_a_file_is_generated() {
        for (line, name) in [
            ("10-20 rwxp 00000000 00:00 0", "[anon]"),
            ("10-20 rwxp 00000000 00:00 0 ", "[anon]"),
            ("10-20 r-xp 00000000 00:00 0      [anon:v8]", "[anon:v8]"),
            (
                "10-20 r-xs 00000000 00:01 77     /memfd:doublemapper (deleted)",
                "memfd:doublemapper (deleted)",
            ),
        ] {
            assert!(parse(line).is_generated(), "{line}");
            assert_eq!(parse(line).name(), name.as_bytes(), "{line}");
        }
        for line in [
            "10-20 rw-p 00000000 00:00 0",
            "10-20 r-xp 00000000 00:00 0      [vdso]",
            "10-20 r-xp 00000000 08:01 9      /usr/bin/node",
        ] {
            assert!(!parse(line).is_generated(), "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_mapping() {
        for line in ["", "10", "10-zz r-xp 0 00:00 0", "10-20 r-xp"] {
            assert_eq!(Mapping::parse(line.as_bytes()), None, "{line}");
        }
    }
}
