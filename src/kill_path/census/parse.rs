//! The files of `/proc` that a census reads.
//!
//! A name can hold any byte but zero, parentheses and line ends included, so
//! each of these looks only at what no name can imitate.

use ::core::ffi::c_long;
use ::core::iter::Iterator;
use ::core::option::Option::{self, Some};

/// The name in `comm`: all but the line end that the kernel adds.
pub(crate) fn name(comm: &[u8]) -> &[u8] {
    comm.strip_suffix(b"\n").unwrap_or(comm)
}

/// The state in `stat`, `?` if there is none: the letter after the last
/// parenthesis, which is the one behind the name.
pub(crate) fn state(stat: &[u8]) -> u8 {
    let mut parts = stat.rsplitn(2, |byte| *byte == b')');
    let behind = match (parts.next(), parts.next()) {
        (Some(behind), Some(_)) => behind,
        _ => return b'?',
    };
    match behind {
        [b' ', state @ (b'A'..=b'Z' | b'a'..=b'z'), b' ', ..] => *state,
        _ => b'?',
    }
}

/// The kernel's function in `wchan`; empty for none.
pub(crate) fn place(wchan: &[u8]) -> &str {
    let place = wchan.strip_suffix(b"\n").unwrap_or(wchan);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$".contains(byte);
    match place {
        [] | [b'0'..=b'9', ..] => "",
        place if place.iter().all(is_name) => ::core::str::from_utf8(place).unwrap_or(""),
        _ => "",
    }
}

/// What `syscall` says of a thread.
#[derive(::core::fmt::Debug, ::core::cmp::PartialEq)]
pub(crate) enum Syscall {
    /// It did not stand still to be looked at.
    Running,
    /// It waits, but not in a system call: for a page of memory, say.
    Outside,
    /// It waits in this one, with this for a first argument.
    Inside { number: c_long, first: u64 },
}

/// Reads `syscall`: a number, six arguments and two addresses. `None` if that
/// is not what it says.
pub(crate) fn syscall(text: &[u8]) -> Option<Syscall> {
    let text = ::core::str::from_utf8(text).ok()?;
    let mut words = text.split_ascii_whitespace();
    match words.next()? {
        "running" => Some(Syscall::Running),
        "-1" => Some(Syscall::Outside),
        number => Some(Syscall::Inside {
            number: number.parse().ok().filter(|number| *number >= 0)?,
            first: u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?,
        }),
    }
}

/// Where a descriptor leads.
#[derive(::core::fmt::Debug, ::core::cmp::PartialEq)]
pub(crate) enum Link<'a> {
    Path(&'a [u8]),
    Pipe,
    Socket,
    /// To what the kernel makes without a path, by its name for it.
    Object(&'a [u8]),
}

/// Reads the link of a descriptor: `anon_inode:[eventfd]` is an `eventfd`.
pub(crate) fn link(link: &[u8]) -> Link<'_> {
    match link {
        [b'/', ..] => Link::Path(link),
        _ if link.starts_with(b"pipe:") => Link::Pipe,
        _ if link.starts_with(b"socket:") => Link::Socket,
        _ => {
            let name = link.strip_prefix(b"anon_inode:").unwrap_or(link);
            Link::Object(match name {
                [b'[', bare @ .., b']'] => bare,
                _ => name,
            })
        }
    }
}
