//! The addresses of sockets, as `ss` writes them.

use ::core::convert::From;
use ::core::iter::Iterator;
use ::core::option::Option::{self, Some};

use super::super::line::Line;
use super::outside;

/// Adds an address as the kernel writes it, its family in front. `None`, and
/// adds nothing, if it is none or of a family that is not known here.
pub(crate) fn address<const N: usize>(line: &mut Line<N>, bytes: &[u8]) -> Option<()> {
    let (family, rest) = bytes.split_first_chunk()?;
    match i32::from(u16::from_ne_bytes(*family)) {
        ::libc::AF_INET => {
            let (port, rest) = rest.split_first_chunk()?;
            v4(line, *rest.first_chunk()?);
            line.text(":").number(u64::from(u16::from_be_bytes(*port)));
        }
        ::libc::AF_INET6 => {
            let (port, rest) = rest.split_first_chunk()?;
            // Between them is a label of the flow.
            let (_flow, rest) = rest.split_first_chunk::<4>()?;
            line.text("[");
            v6(line, *rest.first_chunk()?);
            line.text("]:").number(u64::from(u16::from_be_bytes(*port)));
        }
        ::libc::AF_UNIX => match rest {
            [] | [0] => return Option::None,
            // Not a path, but a name in a space of its own.
            [0, name @ ..] => {
                line.text("@");
                outside::lossy(line, name);
            }
            path => {
                let path = path.split(|byte| *byte == 0).next();
                outside::path(line, path.unwrap_or(&[]));
            }
        },
        _ => return Option::None,
    }
    Some(())
}

fn v4<const N: usize>(line: &mut Line<N>, bytes: [u8; 4]) {
    let mut dot = "";
    for byte in bytes {
        line.text(dot).number(u64::from(byte));
        dot = ".";
    }
}

/// By RFC 5952: the longest run of zero groups is left out, the first of equal
/// ones, if it is of more than one.
fn v6<const N: usize>(line: &mut Line<N>, bytes: [u8; 16]) {
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
    let mut colon = "";
    for (n, group) in groups.iter().enumerate() {
        if n == start && start < end {
            line.text("::");
            colon = "";
        }
        if n < start || n >= end {
            line.text(colon).hex(u64::from(*group));
            colon = ":";
        }
    }
}

/// From where to where the longest run of zeroes goes.
fn zeroes(groups: &[u16; 8]) -> (usize, usize) {
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
