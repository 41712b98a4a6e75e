//! Socket addresses, in the notation of `ss`.

use super::sanitize;
use crate::buffer::TextSlice;
use crate::sys::{AF_INET, AF_INET6, AF_UNIX};

/// Adds an address as the kernel writes it: its family comes first. Adds nothing
/// and returns `None` if the bytes are no address or of an unknown family.
pub fn address(line: &mut TextSlice, bytes: &[u8]) -> Option<()> {
    let (family, rest) = bytes.split_first_chunk()?;
    match i32::from(u16::from_ne_bytes(*family)) {
        AF_INET => {
            let (port, rest) = rest.split_first_chunk()?;
            v4(line, *rest.first_chunk()?);
            line.text(":").number(u64::from(u16::from_be_bytes(*port)));
        }
        AF_INET6 => {
            let (port, rest) = rest.split_first_chunk()?;
            // Between them is the flow label.
            let (_flow, rest) = rest.split_first_chunk::<4>()?;
            line.text("[");
            v6(line, *rest.first_chunk()?);
            line.text("]:").number(u64::from(u16::from_be_bytes(*port)));
        }
        AF_UNIX => match rest {
            [] | [0] => return None,
            // Not a path, but an abstract name.
            [0, name @ ..] => {
                line.text("@");
                sanitize::lossy(line, name);
            }
            path => {
                let path = path.split(|byte| *byte == 0).next();
                sanitize::path(line, path.unwrap_or(&[]));
            }
        },
        _ => return None,
    }
    Some(())
}

#[inline(never)] // Two callers.
fn v4(line: &mut TextSlice, bytes: [u8; 4]) {
    let mut dot = "";
    for byte in bytes {
        line.text(dot).number(u64::from(byte));
        dot = ".";
    }
}

/// By RFC 5952: leaves out the longest run of zero groups, the first of equal
/// ones, if it has more than one group.
fn v6(line: &mut TextSlice, bytes: [u8; 16]) {
    if let [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] = bytes {
        line.text("::ffff:");
        return v4(line, [a, b, c, d]);
    }
    let mut groups = [0_u16; 8];
    for (group, pair) in groups.iter_mut().zip(bytes.chunks_exact(2)) {
        if let [high, low] = pair {
            *group = u16::from_be_bytes([*high, *low]);
        }
    }
    let (start, end) = zeroes(&groups);
    joined(line, groups.get(..start).unwrap_or(&[]));
    line.text(if start < end { "::" } else { "" });
    joined(line, groups.get(end..).unwrap_or(&[]));
}

/// Adds groups with a colon between two of them.
#[inline(never)]
fn joined(line: &mut TextSlice, groups: &[u16]) {
    let mut colon = "";
    for group in groups {
        line.text(colon).hex(u64::from(*group));
        colon = ":";
    }
}

/// Returns the first and the end index of the longest run of zero groups.
#[inline(never)] // Not in an unrolled loop.
fn zeroes(groups: &[u16]) -> (usize, usize) {
    let mut longest = (0_usize, 0_usize);
    let mut start = 0_usize;
    for (n, group) in groups.iter().enumerate() {
        let next = n.saturating_add(1);
        if *group != 0 {
            start = next;
        } else if next.saturating_sub(start) > longest.1.saturating_sub(longest.0) {
            longest = (start, next);
        }
    }
    match longest.1.saturating_sub(longest.0) {
        0 | 1 => (0, 0),
        _ => longest,
    }
}
