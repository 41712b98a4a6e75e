//! Names for frames, from the files that their code is mapped from.
//!
//! Which file that is, the kernel is asked, not the loader: it also says of one
//! that was replaced since, as by a new release, whose names would be wrong. The
//! program itself is still there behind `/proc/self/exe`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use super::file;
use super::words::{without_head, without_middle};
use crate::kill_path::Stack;

/// Every file that has been looked at so far: each is opened once.
pub(super) struct Names(Vec<Known>);

struct Known {
    path: Box<[u8]>,
    /// Nothing, for a file that says nothing.
    names: Option<file::Names>,
}

/// What the kernel adds to the path of a file that has no name any more.
pub(super) const REPLACED: &str = " (deleted)";
/// The program's own file, whatever has become of its path.
pub(super) const PROGRAM: &str = "/proc/self/exe";

impl Names {
    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Finds the names of functions and places in the source. It allocates.
    pub(super) fn look_up(&mut self, stack: &mut Stack) {
        // What is read is whatever files there are, by code that is not ours.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.fill_in(stack)));
    }

    fn fill_in(&mut self, stack: &mut Stack) {
        let Ok(maps) = fs::read("/proc/self/maps") else {
            return;
        };
        let files = &mut self.0;
        for frame in stack.frames_mut() {
            // Code that the loader has not mapped is nowhere in its file, as
            // far as anybody knows.
            if frame.module.as_str().is_empty() {
                continue;
            }
            let back = usize::from(frame.is_call);
            let Some(path) = mapped_from(&maps, frame.address.wrapping_sub(back)) else {
                continue;
            };
            let known = files.iter().position(|file| *file.path == *path);
            let n = known.unwrap_or_else(|| {
                files.push(Known::open(path));
                files.len() - 1
            });
            let Some(names) = &files[n].names else {
                continue;
            };
            let place = names.place(frame.offset.wrapping_sub(back as u64));
            if let Some(function) = place.function {
                without_middle(&mut frame.function, &function);
            }
            if let Some(site) = place.site {
                without_head(&mut frame.site, &site);
            }
        }
    }
}

impl Known {
    fn open(path: &[u8]) -> Self {
        Self {
            path: path.into(),
            names: openable(path).and_then(|path| file::Names::open(&path)),
        }
    }
}

/// The path of the file that is mapped at `address`, of the lines of
/// `/proc/self/maps`: `from-to rwxp offset device inode   path`.
fn mapped_from(maps: &[u8], address: usize) -> Option<&[u8]> {
    let hex = |text| usize::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    let line = maps.split(|byte| *byte == b'\n').find(|line| {
        let mut range = line.split(|byte| matches!(byte, b'-' | b' ')).map(hex);
        match (range.next().flatten(), range.next().flatten()) {
            (Some(from), Some(to)) => (from..to).contains(&address),
            _ => false,
        }
    })?;
    let path = line.iter().position(|byte| *byte == b'/')?;
    line.get(path..)
}

/// Where the file is to be opened that the kernel calls `path`.
fn openable(path: &[u8]) -> Option<PathBuf> {
    let as_path = Path::new(OsStr::from_bytes(path));
    if fs::read_link(PROGRAM).is_ok_and(|program| program == as_path) {
        // By its own name it also leads to the files beside it.
        let same = is_same(as_path, Path::new(PROGRAM));
        return Some(if same { as_path } else { Path::new(PROGRAM) }.into());
    }
    (!path.ends_with(REPLACED.as_bytes())).then(|| as_path.into())
}

fn is_same(a: &Path, b: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((id(a), id(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"1000-2000 r-xp 00000000 08:01 77   /usr/lib/a file.so\n\
        2000-3000 r-xp 00000000 00:00 0 \n\
        3000-4000 r-xp 00000000 08:01 78   /usr/lib/b.so (deleted)\n\
        ffff1000-ffff2000 r-xp 00000000 00:00 0   [vdso]\n";

    #[test]
    fn an_address_is_found_in_its_file() {
        assert_eq!(mapped_from(MAPS, 0xfff), None);
        assert_eq!(mapped_from(MAPS, 0x1000), Some(&b"/usr/lib/a file.so"[..]));
        assert_eq!(mapped_from(MAPS, 0x1fff), Some(&b"/usr/lib/a file.so"[..]));
        assert_eq!(mapped_from(MAPS, 0x2000), None);
        assert_eq!(mapped_from(MAPS, 0xffff_1000), None);
    }

    #[test]
    fn a_file_that_was_replaced_is_not_opened_in_the_others_place() {
        let path = mapped_from(MAPS, 0x3000).unwrap();
        assert_eq!(openable(path), None);
        assert_eq!(openable(b"/usr/lib/b.so"), Some("/usr/lib/b.so".into()));
    }

    #[test]
    fn the_program_is_opened_by_its_own_name_while_it_has_one() {
        let program = std::env::current_exe().unwrap();
        assert_eq!(openable(program.as_os_str().as_bytes()), Some(program));
    }
}
