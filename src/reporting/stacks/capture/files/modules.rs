//! The files that code is mapped from, with what unwinding needs of each.
//!
//! ```text
//! /proc/self/maps ──▶ Modules::read ──▶ Module { code, bias, name, image }
//!                                          image: the file, mapped; or a copy of
//!                                          the unwind tables from memory
//! ```
//!
//! A file that was replaced since, as by an upgrade, is no longer there to be
//! mapped, and the vDSO never was a file: their tables are copied from memory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::ops::{ControlFlow, Range};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::image::Image;
use super::maps::{self, Mapping};
use crate::sys::stacks::mapped_file;

/// The kernel's suffix to the path of a file that has no name any more.
const REPLACED: &str = " (deleted)";
/// The program's own file, whatever has become of its path.
const PROGRAM: &str = "/proc/self/exe";
/// The kernel's own code in every process.
const VDSO: &[u8] = b"[vdso]";

/// A file with code in this process.
#[derive(Clone)]
pub(crate) struct Module {
    /// The addresses of its code.
    pub(crate) code: Range<u64>,
    /// The offset of the code in the file.
    code_offset: u64,
    /// The last part of its path.
    pub(crate) name: Arc<str>,
    pub(crate) image: Arc<Image>,
    key: Key,
}

/// Tells whether a mapping was seen before.
#[derive(Clone, Eq, PartialEq)]
struct Key {
    path: Box<[u8]>,
    id: Box<[u8]>,
    start: u64,
}

/// A file's mappings in `/proc/self/maps`.
struct Found {
    key: Key,
    /// The address of the first mapping, with the file's own headers if it is whole.
    first: u64,
    first_offset: u64,
    code: Range<u64>,
    code_offset: u64,
}

/// The modules, by address.
#[derive(Default)]
pub(crate) struct Modules {
    list: Vec<Module>,
}

impl Modules {
    /// Reads where code is mapped now. Files that are known already are not
    /// opened again. Returns whether anything has changed.
    pub(crate) fn read(&mut self) -> bool {
        self.update(find())
    }

    /// Replaces the modules by those that were found. Finds none where `/proc` is gone: the
    /// program has changed its root. What is known of its code holds.
    fn update(&mut self, found: Vec<Found>) -> bool {
        let known = self.list.iter().map(|module| &module.key);
        if found.is_empty() || found.iter().map(|found| &found.key).eq(known) {
            return false;
        }
        let program = fs::read_link(PROGRAM).unwrap_or_default();
        self.list = found
            .into_iter()
            .filter_map(|found| self.module(found, &program))
            .collect();
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Module> {
        self.list.iter()
    }

    fn module(&self, found: Found, program: &Path) -> Option<Module> {
        let same_file =
            |module: &&Module| module.key.path == found.key.path && module.key.id == found.key.id;
        let known = self.list.iter().find(same_file);
        let image = match known {
            Some(module) => Arc::clone(&module.image),
            None => Arc::new(image(&found, program)?),
        };
        let path = found.key.path.strip_suffix(REPLACED.as_bytes());
        let path = path.unwrap_or(&found.key.path);
        Some(Module {
            code: found.code,
            code_offset: found.code_offset,
            name: last_part(path).into(),
            image,
            key: found.key,
        })
    }
}

impl Module {
    /// Returns the difference between an address in memory and in the file's own symbols; `None` if
    /// the file is not ELF.
    pub(crate) fn bias(&self) -> Option<u64> {
        self.image.bias(self.code.start, self.code_offset)
    }
}

/// The files with code, by address.
fn find() -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    // The first mapping of the file that is being read.
    let mut first: Option<(Box<[u8]>, u64, u64)> = None;
    maps::each(&mut |mapping| {
        let Mapping {
            range,
            offset,
            path,
            id,
            ..
        } = mapping;
        let has_file = path.starts_with(b"/") && !id.is_empty();
        if !has_file && *path != VDSO {
            return ControlFlow::Continue(());
        }
        // A file may be mapped twice, one copy next to the other.
        if *offset == 0 || first.as_ref().is_none_or(|(known, ..)| **known != **path) {
            first = Some(((*path).into(), range.start, *offset));
        }
        let Some((_, start, first_offset)) = &first else {
            return ControlFlow::Continue(());
        };
        if !mapping.is_executable {
            return ControlFlow::Continue(());
        }
        match found.last_mut() {
            // Two parts of one segment.
            Some(last)
                if *last.key.path == **path
                    && last.code.end == range.start
                    && last.first == *start =>
            {
                last.code.end = range.end;
            }
            _ => found.push(Found {
                key: Key {
                    path: (*path).into(),
                    id: (*id).into(),
                    start: range.start,
                },
                first: *start,
                first_offset: *first_offset,
                code: range.clone(),
                code_offset: *offset,
            }),
        }
        ControlFlow::Continue(())
    });
    found
}

/// The file, or what memory has of it; `None` if there is neither.
fn image(found: &Found, program: &Path) -> Option<Image> {
    let path = &found.key.path;
    let file = match **path == *VDSO {
        true => None,
        false => openable(path, program).and_then(|path| {
            let bytes = mapped_file::map(&File::open(&path).ok()?)?;
            Some(Image::of_file(bytes, path))
        }),
    };
    let has_headers = found.first_offset == 0;
    file.or_else(|| has_headers.then(|| Image::of_memory(found.first)).flatten())
}

/// Returns a path that opens the file which the kernel calls `path`.
fn openable(path: &[u8], program: &Path) -> Option<PathBuf> {
    let as_path = Path::new(OsStr::from_bytes(path));
    if program == as_path {
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

/// The last part of a path, as far as it is text.
fn last_part(path: &[u8]) -> &str {
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    match std::str::from_utf8(last) {
        Ok(last) => last,
        Err(error) => std::str::from_utf8(&last[..error.valid_up_to()]).unwrap_or(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_and_vdso_are_found_and_not_read_twice() {
        let mut modules = Modules::default();
        assert!(modules.read());
        let here = Modules::read as fn(&mut Modules) -> bool as usize as u64;
        let own = modules.iter().find(|module| module.code.contains(&here));
        let own = own.unwrap();
        let program = std::env::current_exe().unwrap();
        assert_eq!(*own.name, *program.file_name().unwrap().to_str().unwrap());
        assert!(modules.iter().any(|module| &*module.name == "[vdso]"));
        assert!(!modules.read(), "nothing was loaded since");
        let known = modules.iter().count();
        assert!(!modules.update(Vec::new()), "/proc is gone");
        assert_eq!(modules.iter().count(), known);
    }

    #[test]
    fn replaced_file_is_not_opened_by_its_old_path() {
        let program = Path::new("/usr/bin/program");
        assert_eq!(openable(b"/usr/lib/b.so (deleted)", program), None);
        assert_eq!(
            openable(b"/usr/lib/b.so", program),
            Some("/usr/lib/b.so".into())
        );
    }

    #[test]
    fn program_is_opened_by_its_own_name_while_it_has_one() {
        let program = std::env::current_exe().unwrap();
        let path = program.as_os_str().as_bytes();
        assert_eq!(openable(path, &program), Some(program.clone()));
        let replaced = Path::new("/usr/bin/program (deleted)");
        assert_eq!(
            openable(b"/usr/bin/program (deleted)", replaced),
            Some(PROGRAM.into())
        );
    }
}
