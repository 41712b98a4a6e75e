//! Functions and source lines from the debug information of a file.
//!
//! A program's debug information may be in the file itself, in a package beside
//! it (`program.dwp`), or in the compiler's own output (`*.dwo`).

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use addr2line::gimli::{Dwarf, DwarfPackage, EndianSlice, Error, LittleEndian, SectionId};
use addr2line::{Context, Frame, FrameIter, FunctionName, LookupResult, SplitDwarfLoad};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use object::read::elf::ElfFile64;
use object::read::{CompressionFormat, Object, ObjectSection};

use super::super::files::Mapped;
use super::source_path::{is_standard, source_path};
use crate::sys::stacks::mapped_file;
use deadstop_core::stack::Source;

type Reader = EndianSlice<'static, LittleEndian>;
pub(super) type Elf = ElfFile64<'static, object::LittleEndian>;

/// Of files beyond this size only the symbol tables are read: offsets in debug information have
/// mostly 32 bits. A file with a gigabyte takes no longer than a small one, since most of it is
/// never read (docs/bench/growth.md).
const LARGEST: u64 = 4 << 30;

/// A section that is compressed may have this many bytes, uncompressed.
const LARGEST_SECTION: usize = 256 << 20;

/// The debug information of one file.
pub(crate) struct DebugInfo {
    context: Context<Reader>,
    package: Option<DwarfPackage<Reader>>,
}

/// The known facts about an address in the code.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct CodeLocation {
    pub(crate) function: Option<String>,
    /// `file:line`.
    pub(crate) site: Option<String>,
    /// The origin of the file.
    pub(crate) source: Source,
}

/// Returns the length of the sections with debug information, uncompressed.
#[cold]
pub(super) fn debug_sections_len(elf: &Elf) -> u64 {
    let sections = elf.sections().filter(|section| {
        section
            .name_bytes()
            .is_ok_and(|name| name.starts_with(b".debug_"))
    });
    let ranges = sections.filter_map(|section| section.compressed_file_range().ok());
    ranges.map(|range| range.uncompressed_size).sum()
}

impl DebugInfo {
    /// `None` if the file has no debug information.
    #[cold]
    pub(super) fn open(elf: &Elf, file: &Mapped) -> Option<Self> {
        elf.section_by_name(".debug_info")?;
        if file.bytes.len() as u64 > LARGEST {
            return None;
        }
        let dwarf = dwarf(elf, |id| Some(id.name()))?;
        Some(Self {
            context: Context::from_dwarf(dwarf).ok()?,
            package: package(&file.path),
        })
    }

    /// Returns the locations at `offset`, as the file's own symbols count: where the compiler
    /// has inlined functions into one another, the innermost first. Those of the standard
    /// library are left out if there are others: `lock` says less than its caller.
    #[cold]
    pub(super) fn locations(&self, offset: u64) -> Vec<CodeLocation> {
        let mut locations = Vec::new();
        let Some((mut frames, is_whole)) = self.frames(offset) else {
            return locations;
        };
        let folder = self.build_folder(offset);
        let mut innermost = None;
        while let Ok(Some(frame)) = frames.next() {
            let file = frame.location.as_ref().and_then(|location| location.file);
            let is_known = file.is_some() || frame.function.is_some();
            if is_known && !file.is_some_and(is_standard) {
                locations.push(CodeLocation::of(&frame, folder));
            } else if innermost.is_none() {
                innermost = Some(CodeLocation::of(&frame, folder));
            }
        }
        if locations.is_empty() {
            locations.extend(innermost);
        }
        if !is_whole {
            // A line of another crate is of a function that was inlined. The symbol table has the
            // function around it, and its name with that line would be wrong.
            let is_of_another = |source| matches!(source, Source::Std | Source::Dependency);
            locations.retain(|location| !is_of_another(location.source));
        }
        locations
    }

    /// Returns the frames, and `true` if the functions that were inlined are known: split debug
    /// information may be missing.
    #[cold]
    fn frames(&self, offset: u64) -> Option<(FrameIter<'_, Reader>, bool)> {
        let mut found = self.context.find_frames(offset);
        let mut is_whole = true;
        loop {
            match found {
                LookupResult::Output(frames) => return Some((frames.ok()?, is_whole)),
                LookupResult::Load { load, continuation } => {
                    let part = self.split(load);
                    is_whole &= part.is_some();
                    found = addr2line::LookupContinuation::resume(continuation, part);
                }
            }
        }
    }

    /// The folder in which the compiler ran that made the code at `offset`.
    #[cold]
    fn build_folder(&self, offset: u64) -> Option<&'static str> {
        let mut found = self.context.find_dwarf_and_unit(offset);
        let unit = loop {
            match found {
                LookupResult::Output(unit) => break unit?,
                LookupResult::Load { load, continuation } => {
                    found = addr2line::LookupContinuation::resume(continuation, self.split(load));
                }
            }
        };
        std::str::from_utf8(unit.comp_dir?.slice()).ok()
    }

    /// Debug information that is not in the file itself.
    #[cold]
    fn split(&self, load: SplitDwarfLoad<Reader>) -> Option<Arc<Dwarf<Reader>>> {
        let packed = self
            .package
            .as_ref()
            .map(|package| package.find_cu(load.dwo_id, &load.parent));
        if let Some(Ok(Some(unit))) = packed {
            return Some(Arc::new(unit));
        }
        let part = |part: &Reader| Path::new(OsStr::from_bytes(part.slice())).to_path_buf();
        let folder = load.comp_dir.as_ref().map(part).unwrap_or_default();
        let elf = open(&folder.join(load.path.as_ref().map(part)?))?;
        let mut dwarf = dwarf(&elf, SectionId::dwo_name)?;
        let header = dwarf.units().next().ok()??;
        if dwarf.unit(header).ok()?.dwo_id != Some(load.dwo_id) {
            return None;
        }
        dwarf.make_dwo(&load.parent);
        Some(Arc::new(dwarf))
    }
}

impl CodeLocation {
    /// A frame whose function has no name keeps its line: the symbol table has
    /// the name.
    #[cold]
    fn of(frame: &Frame<'_, Reader>, build_folder: Option<&str>) -> Self {
        let name = frame.function.as_ref().map(FunctionName::demangle);
        let name = name.and_then(Result::ok);
        let location = frame.location.as_ref();
        let file = location.and_then(|location| location.file);
        let line = location.and_then(|location| location.line);
        let found = file.map(|file| source_path(file, build_folder));
        let (source, path) = found.unzip();
        Self {
            function: name.map(|name| name.into_owned()),
            site: path.map(|path| match line {
                Some(line) => format!("{path}:{line}"),
                None => path,
            }),
            source: source.unwrap_or_default(),
        }
    }
}

/// The package beside the program at `path`: `program.dwp`, `library.so.dwp`.
#[cold]
fn package(path: &Path) -> Option<DwarfPackage<Reader>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".dwp");
    let elf = open(&PathBuf::from(name))?;
    let empty = EndianSlice::new(&[], LittleEndian);
    DwarfPackage::load(|id| section(&elf, id.dwo_name()), empty).ok()
}

#[cold]
fn open(path: &Path) -> Option<Elf> {
    Elf::parse(mapped_file::map(&File::open(path).ok()?)?).ok()
}

/// The sections of debug information, by their names.
#[cold]
fn dwarf(elf: &Elf, name: fn(SectionId) -> Option<&'static str>) -> Option<Dwarf<Reader>> {
    Dwarf::load(|id| section(elf, name(id))).ok()
}

/// The bytes of a section, empty if there is none. A compressed section stays in
/// memory for the life of the process, as the file does.
#[cold]
fn section(elf: &Elf, name: Option<&'static str>) -> Result<Reader, Error> {
    let section = name.and_then(|name| elf.section_by_name(name));
    let data = section.and_then(|section| section.compressed_data().ok());
    let bytes = match data {
        None => &[],
        Some(data) => match data.format {
            CompressionFormat::None => data.data,
            CompressionFormat::Zlib => inflate(data.data),
            // Zstandard, which a linker must be asked for.
            _ => &[],
        },
    };
    Ok(EndianSlice::new(bytes, LittleEndian))
}

#[cold]
fn inflate(bytes: &[u8]) -> &'static [u8] {
    match decompress_to_vec_zlib_with_limit(bytes, LARGEST_SECTION) {
        Ok(bytes) => Vec::leak(bytes),
        Err(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_section_is_inflated_up_to_a_limit() {
        let bytes = vec![7; 100_000];
        let small = miniz_oxide::deflate::compress_to_vec_zlib(&bytes, 6);
        assert_eq!(inflate(&small), bytes);
        assert_eq!(inflate(&small[..small.len() / 2]), b"");
    }
}
