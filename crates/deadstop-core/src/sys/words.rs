//! Words of the process's own memory. `None` where they cannot be read.

use super::backend::read_memory;

/// Reads one 32-bit word.
pub fn read_u32(address: usize) -> Option<u32> {
    let mut bytes = [0; 4];
    (read_memory(address, &mut bytes) == bytes.len()).then(|| u32::from_ne_bytes(bytes))
}

/// Reads one word of the size of an address.
pub fn read_usize(address: usize) -> Option<usize> {
    let mut bytes = [0; size_of::<usize>()];
    (read_memory(address, &mut bytes) == bytes.len()).then(|| usize::from_ne_bytes(bytes))
}
