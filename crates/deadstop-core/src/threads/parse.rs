//! Parses a thread's files in `/proc`.
//!
//! A name can contain any byte except zero, including parentheses and line ends,
//! so each function relies only on what no name can imitate.

use core::ffi::c_long;

/// Returns the name in `comm`, without the line end that the kernel adds.
pub fn name(comm: &[u8]) -> &[u8] {
    comm.strip_suffix(b"\n").unwrap_or(comm)
}

/// Returns the state in `stat`: the letter after the last parenthesis, which ends
/// the name. `?` if there is none.
pub fn state(stat: &[u8]) -> u8 {
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

/// Returns the kernel function in `wchan`; empty for none.
pub fn wait_channel(wchan: &[u8]) -> &str {
    let wait_channel = wchan.strip_suffix(b"\n").unwrap_or(wchan);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$".contains(byte);
    match wait_channel {
        [] | [b'0'..=b'9', ..] => "",
        wait_channel if wait_channel.iter().all(is_name) => {
            core::str::from_utf8(wait_channel).unwrap_or("")
        }
        _ => "",
    }
}

/// The content of a `syscall` file.
#[derive(Debug, PartialEq)]
pub enum Syscall {
    /// The thread is running.
    Running,
    /// It waits outside a system call: for a page of memory, for example.
    Outside,
    /// It waits in a system call.
    Inside {
        /// The call's number.
        number: c_long,
        /// Its first argument.
        first: u64,
    },
}

/// Parses `syscall`: a number, six arguments and two addresses. `None` if the
/// text is malformed.
pub fn syscall(text: &[u8]) -> Option<Syscall> {
    let text = core::str::from_utf8(text).ok()?;
    let mut format = text.split_ascii_whitespace();
    match format.next()? {
        "running" => Some(Syscall::Running),
        "-1" => Some(Syscall::Outside),
        number => Some(Syscall::Inside {
            number: number.parse().ok().filter(|number| *number >= 0)?,
            first: u64::from_str_radix(format.next()?.strip_prefix("0x")?, 16).ok()?,
        }),
    }
}

/// A system call that a thread waits in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arguments {
    /// Its number.
    pub number: c_long,
    /// Its arguments.
    pub arguments: [u64; 6],
    /// The thread's stack pointer.
    pub stack_pointer: usize,
}

/// Reads `syscall` whole. `None` if the thread is in no system call.
pub fn arguments(text: &[u8]) -> Option<Arguments> {
    let text = core::str::from_utf8(text).ok()?;
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok().filter(|number| *number >= 0)?;
    let mut word = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = word()?;
    }
    let stack_pointer = usize::try_from(word()?).ok()?;
    Some(Arguments {
        number,
        arguments,
        stack_pointer,
    })
}

/// A file may have locks of both kinds, which do not exclude one another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LockKind {
    /// A lock of flock(2).
    Flock,
    /// A lock of fcntl(2): of a process, or of an open file.
    Fcntl,
}

/// Returns the process that holds a lock of this kind on the file with this device and
/// inode, in the text of `/proc/locks`. Lines of waiters have an arrow.
pub fn lock_holder(
    locks: &[u8],
    kind: LockKind,
    (major, minor, inode): (u32, u32, u64),
) -> Option<i32> {
    locks.split(|byte| *byte == b'\n').find_map(|line| {
        // 1: POSIX  ADVISORY  WRITE 1234 fe:00:326279 0 EOF
        let line = core::str::from_utf8(line).ok()?;
        let mut words = line.split_ascii_whitespace().skip(1);
        let is_kind = match words.next()? {
            "FLOCK" => kind == LockKind::Flock,
            "POSIX" | "OFDLCK" => kind == LockKind::Fcntl,
            _ => false,
        };
        if !is_kind {
            return None;
        }
        let holder = words.nth(2)?.parse().ok()?;
        let mut file = words.next()?.split(':');
        let is_it = u32::from_str_radix(file.next()?, 16) == Ok(major)
            && u32::from_str_radix(file.next()?, 16) == Ok(minor)
            && file.next()?.parse() == Ok(inode);
        is_it.then_some(holder)
    })
}

/// The target of a descriptor's link.
#[derive(Debug, PartialEq)]
pub enum Link<'a> {
    /// A path.
    Path(&'a [u8]),
    /// A pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A kernel object without a path, by the kernel's name.
    Object(&'a [u8]),
}

/// Returns the inode in the link of a pipe or a socket: `pipe:[1234]`.
pub fn inode(link: &[u8]) -> Option<u64> {
    let link = core::str::from_utf8(link).ok()?;
    let (_, inode) = link.strip_suffix(']')?.split_once(":[")?;
    inode.parse().ok()
}

/// Parses the link of a descriptor: `anon_inode:[eventfd]` is an `eventfd`.
pub fn link(link: &[u8]) -> Link<'_> {
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
