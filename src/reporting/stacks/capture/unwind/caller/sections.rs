//! Finds the description of a function in a file's tables.

use addr2line::gimli::{
    BaseAddresses, EhFrame, EhFrameHdr, EndianSlice, FrameDescriptionEntry, LittleEndian,
    UnwindSection,
};

use crate::reporting::stacks::capture::files::Tables;

pub(super) type Bytes = EndianSlice<'static, LittleEndian>;

/// Bytes of an address.
const ADDRESS: u8 = 8;

/// The sections, for gimli.
pub(super) struct Sections {
    pub(super) bases: BaseAddresses,
    index: Option<Bytes>,
    pub(super) frames: EhFrame<Bytes>,
}

impl Sections {
    pub(super) fn of(tables: &Tables) -> Option<Self> {
        let section = tables.frames.as_ref()?;
        let mut frames = EhFrame::new(section.bytes, LittleEndian);
        frames.set_address_size(ADDRESS);
        let index = tables.index.as_ref();
        let bases = BaseAddresses::default().set_eh_frame(section.start);
        Some(Self {
            bases: match index {
                Some(index) => bases.set_eh_frame_hdr(index.start),
                None => bases,
            },
            index: index.map(|index| EndianSlice::new(index.bytes, LittleEndian)),
            frames,
        })
    }

    /// The entry of the function at `address`.
    pub(super) fn entry(&self, address: u64) -> Option<FrameDescriptionEntry<Bytes>> {
        let Some(index) = self.index else {
            // Rare: a linker makes the index except with `--no-eh-frame-hdr`.
            let entry = self
                .frames
                .fde_for_address(&self.bases, address, EhFrame::cie_from_offset);
            return entry.ok();
        };
        let index = EhFrameHdr::from(index).parse(&self.bases, ADDRESS).ok()?;
        let table = index.table()?;
        let pointer = table.lookup(address, &self.bases).ok()?;
        let offset = table.pointer_to_offset(pointer).ok()?;
        let entry = self
            .frames
            .fde_from_offset(&self.bases, offset, EhFrame::cie_from_offset);
        entry.ok()
    }
}
