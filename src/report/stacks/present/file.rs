//! What a file says of its code.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use addr2line::{FunctionName, Loader};
use object::read::{Object, ObjectSymbol, ReadCache};

/// The file of a program or a library, opened for its names.
pub(super) struct Names {
    bytes: ReadCache<File>,
    /// What the compiler has written down for debuggers, if it is there.
    debug: Option<Loader>,
}

/// What is known of a place in the code.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) function: Option<String>,
    /// `file:line`.
    pub(super) site: Option<String>,
}

/// Beyond this size a file's debug information is left alone: it would take
/// longer to read than a report has. Its symbols are looked at.
const LARGEST: u64 = 512 << 20;

impl Names {
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let size = file.metadata().ok()?.len();
        let bytes = ReadCache::new(file);
        let has_debug = object::File::parse(&bytes).ok()?;
        let has_debug = has_debug.section_by_name(".debug_info").is_some();
        let debug = (has_debug && size <= LARGEST).then(|| Loader::new(path).ok());
        Some(Self {
            bytes,
            debug: debug.flatten(),
        })
    }

    /// What is at `offset`, as the file's own symbols count.
    pub(super) fn place(&self, offset: u64) -> Place {
        let place = self.debug.as_ref().and_then(|debug| inlined(debug, offset));
        let mut place = place.unwrap_or_default();
        if place.function.is_none() {
            place.function = self.symbol(offset);
        }
        place
    }

    /// The symbol that says of itself that it goes over `offset`. The one that
    /// is merely next before it may be any: a library that is stripped has only
    /// those that others call.
    fn symbol(&self, offset: u64) -> Option<String> {
        let file = object::File::parse(&self.bytes).ok()?;
        let symbol = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| symbol.is_definition())
            .find(|symbol| {
                let from = symbol.address();
                (from..from.saturating_add(symbol.size())).contains(&offset)
            })?;
        Some(addr2line::demangle_auto(Cow::Borrowed(symbol.name().ok()?), None).into_owned())
    }
}

/// Of the functions that the compiler has put into one another at `offset`, the
/// innermost that is not the standard library's: `lock` says less than who
/// locks. If all are, the innermost.
fn inlined(debug: &Loader, offset: u64) -> Option<Place> {
    let mut first = None;
    let mut frames = debug.find_frames(offset).ok()?;
    while let Ok(Some(frame)) = frames.next() {
        let file = frame.location.as_ref().and_then(|location| location.file);
        let function = frame.function.as_ref();
        let Some(Ok(function)) = function.map(FunctionName::demangle) else {
            continue;
        };
        let line = frame.location.as_ref().and_then(|location| location.line);
        let place = Place {
            function: Some(function.into_owned()),
            site: file.map(|file| match line {
                Some(line) => format!("{file}:{line}"),
                None => file.to_owned(),
            }),
        };
        if !file.is_some_and(is_standard) {
            return Some(place);
        }
        first.get_or_insert(place);
    }
    first
}

/// Whether a source file is the standard library's, as its release or the
/// toolchain's own copy names it.
fn is_standard(file: &str) -> bool {
    file.starts_with("/rustc/") || file.contains("/rustlib/src/rust/library/")
}

/// Whether the file at `path` takes the function `name` from another.
pub(super) fn imports(path: &Path, name: &[u8]) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let bytes = ReadCache::new(file);
    object::File::parse(&bytes).is_ok_and(|file| {
        file.dynamic_symbols()
            .any(|symbol| symbol.is_undefined() && symbol.name_bytes() == Ok(name))
    })
}

#[cfg(test)]
mod tests {
    use std::env::current_exe;

    use super::*;

    #[test]
    fn a_place_that_no_symbol_goes_over_has_no_name() {
        let names = Names::open(&current_exe().unwrap()).unwrap();
        assert_eq!(names.place(u64::MAX - 1), Place::default());
    }

    #[test]
    fn what_is_taken_from_another_file_is_seen() {
        let program = current_exe().unwrap();
        assert!(imports(&program, b"_Unwind_Backtrace"));
        assert!(!imports(&program, b"_Unwind_Backtrac"));
        assert!(!imports(
            Path::new("/proc/self/nothing"),
            b"_Unwind_Backtrace"
        ));
        assert!(!imports(
            Path::new("/proc/self/status"),
            b"_Unwind_Backtrace"
        ));
    }

    #[test]
    fn the_standard_library_is_known_by_its_path() {
        assert!(is_standard("/rustc/0123/library/core/src/cell.rs"));
        assert!(is_standard(
            "/opt/lib/rustlib/src/rust/library/std/src/io.rs"
        ));
        assert!(!is_standard("/home/me/rustc/src/main.rs"));
    }
}
