//! The unwind tables of an ELF file, from the file or from memory.

use std::path::PathBuf;

use object::LittleEndian;
use object::elf::{FileHeader64, PF_X, PT_GNU_EH_FRAME, PT_LOAD, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use crate::sys::stacks::{mapped_file, memory};

/// The byte order of the two processors that stacks are captured on.
const ENDIAN: LittleEndian = LittleEndian;

/// The page that segments are aligned to at least.
const PAGE: u64 = 4096;

/// The size of a program header.
const HEADER: usize = size_of::<ProgramHeader64<LittleEndian>>();

/// Program headers of a file at most.
const HEADERS: u16 = 128;

/// Bytes of unwind tables that are copied from memory at most.
const LARGEST_COPY: u64 = 64 << 20;

/// An ELF file, as far as capturing needs it. What is in the file is read when it is asked
/// for, each time anew: nothing of it is touched at install, and nothing is allocated later.
pub(crate) struct Image {
    /// The whole file, where it could be mapped.
    pub(crate) file: Option<Mapped>,
    /// The parts copied from memory, where the file could not be mapped.
    copied: Option<Copied>,
}

/// The part of a file that is in memory.
struct Copied {
    segments: Vec<Segment>,
    tables: Tables,
}

/// Unwind tables.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tables {
    /// `.eh_frame_hdr`.
    pub(crate) index: Option<Table>,
    /// `.eh_frame`.
    pub(crate) frames: Option<Table>,
}

/// A file that is mapped.
pub(crate) struct Mapped {
    pub(crate) bytes: &'static [u8],
    pub(crate) path: PathBuf,
}

/// A part of the file that is loaded.
#[derive(Clone, Copy)]
struct Segment {
    address: u64,
    offset: u64,
    size: u64,
    is_code: bool,
}

/// A section, and its address by the file's own count.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) start: u64,
    pub(crate) bytes: &'static [u8],
}

impl Image {
    pub(crate) fn of_file(bytes: &'static [u8], path: PathBuf) -> Self {
        Self {
            file: Some(Mapped { bytes, path }),
            copied: None,
        }
    }

    /// Returns the unwind tables, as far as there are any.
    pub(crate) fn tables(&self) -> Tables {
        match (&self.file, &self.copied) {
            (Some(file), _) => tables_of(file.bytes).unwrap_or_default(),
            (None, copied) => copied.as_ref().map_or(Tables::default(), |it| it.tables),
        }
    }

    /// Returns the first segment that `is_wanted`.
    fn segment(&self, is_wanted: impl Fn(&Segment) -> bool) -> Option<Segment> {
        match (&self.file, &self.copied) {
            (Some(file), _) => {
                let header = FileHeader64::<LittleEndian>::parse(file.bytes).ok()?;
                let headers = header.program_headers(ENDIAN, file.bytes).ok()?;
                segments(headers).find(is_wanted)
            }
            (None, copied) => {
                let mut segments = copied.as_ref()?.segments.iter().copied();
                segments.find(is_wanted)
            }
        }
    }

    /// Copies the unwind tables of the file whose headers are at `start`.
    pub(crate) fn of_memory(start: u64) -> Option<Self> {
        let mut header = [0; size_of::<FileHeader64<LittleEndian>>()];
        let is_read = memory::read(start, &mut header);
        let header = FileHeader64::<LittleEndian>::parse(&header[..]).ok();
        let header = header.filter(|_| is_read)?;
        let count = header.e_phnum(ENDIAN).min(HEADERS);
        let mut bytes = vec![0; usize::from(count) * HEADER];
        let at = start.checked_add(header.e_phoff(ENDIAN))?;
        let is_read = memory::read(at, &mut bytes);
        let headers =
            object::slice_from_bytes::<ProgramHeader64<LittleEndian>>(&bytes, usize::from(count));
        let headers = headers.ok().filter(|_| is_read)?.0;
        let segments: Vec<_> = segments(headers).collect();
        let first = segments.iter().find(|segment| segment.offset == 0)?;
        let bias = start.wrapping_sub(first.address);
        let is_index = |header: &&ProgramHeader64<_>| header.p_type(ENDIAN) == PT_GNU_EH_FRAME;
        let index = headers.iter().find(is_index)?;
        let index = copy(bias, index.p_vaddr(ENDIAN), index.p_memsz(ENDIAN))?;
        let frames = frames_of(&index)?;
        let of = segments.iter().find(|segment| segment.has(frames))?;
        let size = of.address + of.size - frames;
        let frames = copy(bias, frames, size);
        let index = Some(index);
        Some(Self {
            file: None,
            copied: Some(Copied {
                segments,
                tables: Tables { index, frames },
            }),
        })
    }

    /// Returns the difference between addresses in memory and in the file, for the code at `offset`
    /// in the file and `start` in memory. If two segments share a page, the code's counts.
    pub(crate) fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        let segment = self.segment(|segment| {
            let first = segment.offset & !(PAGE - 1);
            segment.is_code && (first..segment.offset + segment.size).contains(&offset)
        })?;
        let address = segment
            .address
            .wrapping_add(offset.wrapping_sub(segment.offset));
        Some(start.wrapping_sub(address))
    }

    /// The file's bytes at `address`, by its own count.
    #[cold]
    pub(crate) fn bytes_at(&self, address: u64, len: usize) -> Option<&'static [u8]> {
        let bytes = self.file.as_ref()?.bytes;
        let segment = self.segment(|segment| segment.has(address))?;
        let at = usize::try_from(address - segment.address + segment.offset).ok()?;
        bytes.get(at..at.checked_add(len)?)
    }
}

impl Segment {
    fn has(&self, address: u64) -> bool {
        (self.address..self.address + self.size).contains(&address)
    }
}

/// The unwind tables of a file; `None` if it is not 64-bit ELF.
#[cold]
fn tables_of(bytes: &'static [u8]) -> Option<Tables> {
    let header = FileHeader64::<LittleEndian>::parse(bytes).ok()?;
    let sections = header.sections(ENDIAN, bytes).ok()?;
    let table = |name| {
        let (_, section) = sections.section_by_name(ENDIAN, name)?;
        let bytes = section.data(ENDIAN, bytes).ok()?;
        let start = section.sh_addr(ENDIAN);
        mapped_file::read_ahead(bytes);
        (!bytes.is_empty()).then_some(Table { start, bytes })
    };
    Some(Tables {
        index: table(b".eh_frame_hdr"),
        frames: table(b".eh_frame"),
    })
}

/// The segments of the file that are loaded, without those that would wrap.
fn segments(headers: &[ProgramHeader64<LittleEndian>]) -> impl Iterator<Item = Segment> {
    let headers = headers.iter();
    let loaded = headers.filter(|header| header.p_type(ENDIAN) == PT_LOAD);
    let segments = loaded.map(|header| Segment {
        address: header.p_vaddr(ENDIAN),
        offset: header.p_offset(ENDIAN),
        size: header.p_filesz(ENDIAN),
        is_code: header.p_flags(ENDIAN) & PF_X != 0,
    });
    let has_end = |segment: &Segment| {
        let ends = segment.address.checked_add(segment.size);
        ends.is_some() && segment.offset.checked_add(segment.size).is_some()
    };
    segments.filter(has_end)
}

/// Copies a table from memory, for the life of the process.
fn copy(bias: u64, address: u64, size: u64) -> Option<Table> {
    let size = usize::try_from(size).ok()?;
    if size == 0 || size as u64 > LARGEST_COPY {
        return None;
    }
    let mut bytes = vec![0; size].into_boxed_slice();
    memory::read(bias.wrapping_add(address), &mut bytes).then(|| Table {
        start: address,
        bytes: Box::leak(bytes),
    })
}

/// The address of `.eh_frame`, which its index begins with.
fn frames_of(index: &Table) -> Option<u64> {
    /// A signed 32-bit distance from the field itself.
    const RELATIVE: u8 = 0x1b;
    let [_version, RELATIVE, _, _, distance @ ..] = index.bytes else {
        return None;
    };
    let distance = i32::from_le_bytes(distance.get(..4)?.try_into().ok()?);
    index
        .start
        .checked_add(4)?
        .checked_add_signed(distance.into())
}
