//! Checks whether the machine has enough memory for a large victim.

use std::fs;

use crate::conditions::Memory;

/// The memory that a victim must leave to other processes.
const OTHERS: u64 = 4 << 30;

/// Returns `true` if a victim may take so much memory without harm to other processes.
pub(crate) fn is_there_for(memory: Memory) -> bool {
    memory.bytes() == 0 || memory.bytes() + OTHERS <= available()
}

/// The memory that is available without writing anything to a disk, in bytes.
fn available() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
