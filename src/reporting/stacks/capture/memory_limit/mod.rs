//! The memory that the limits of the process leave.
//!
//! The code that reads symbols and debug information is other crates', and an allocation
//! that fails there aborts the process. Beyond the limit of a container, the kernel kills it.
//! So under a limit the code runs only with room to spare.

mod cgroups;
mod rlimits;
mod system_file;

/// What reading a file needs, beside a margin.
#[derive(Clone, Copy)]
pub(super) struct Need {
    /// Bytes of the address space.
    pub(super) addresses: u64,
    /// Bytes of memory that the kernel cannot take back, as it can the pages of a file.
    pub(super) memory: u64,
}

impl Need {
    /// Stands for the margin alone.
    pub(super) const MARGIN: Self = Self {
        addresses: 0,
        memory: 0,
    };
}

/// Returns `true` if the limits leave what is needed, or if they cannot be read.
#[cold]
pub(super) fn leaves(need: Need) -> bool {
    rlimits::leaves(need.addresses) && cgroups::leaves(need.memory)
}
