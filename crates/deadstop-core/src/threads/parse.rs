//! Parses a thread's files in `/proc`.
//!
//! A name can contain any byte except zero, including parentheses and line ends,
//! so each function relies only on what no name can imitate.

use core::ffi::c_long;

use crate::number;
use crate::sys::FileIdentity;

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
    let mut text = core::str::from_utf8(text).ok()?;
    match word(&mut text)? {
        "running" => Some(Syscall::Running),
        "-1" => Some(Syscall::Outside),
        number => Some(Syscall::Inside {
            number: c_long::try_from(number::parse(number, 10)?).ok()?,
            first: argument(&mut text)?,
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
    let mut text = core::str::from_utf8(text).ok()?;
    let number = number::parse(word(&mut text)?, 10)?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = self::argument(&mut text)?;
    }
    let stack_pointer = usize::try_from(argument(&mut text)?).ok()?;
    Some(Arguments {
        number: c_long::try_from(number).ok()?,
        arguments,
        stack_pointer,
    })
}

/// Takes one argument off `text`, in hexadecimal with a prefix.
fn argument(text: &mut &str) -> Option<u64> {
    number::parse(word(text)?.strip_prefix("0x")?, 16)
}

/// A list, although it has one character: `core` searches a text for a single one by code
/// that can panic.
const COLON: [char; 1] = [':'];

/// Takes one word off `text`.
#[inline(never)] // The iterator of `core` is 300 bytes in each function that uses it.
fn word<'a>(text: &mut &'a str) -> Option<&'a str> {
    let mut words = text
        .trim_ascii_start()
        .splitn(2, |c: char| c.is_ascii_whitespace());
    let word = words.next().filter(|word| !word.is_empty())?;
    *text = words.next().unwrap_or("");
    Some(word)
}

/// A file may have locks of both kinds, which do not exclude one another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LockKind {
    /// A lock of flock(2).
    Flock,
    /// A lock of fcntl(2): of a process, or of an open file.
    Fcntl,
}

/// Returns the process that holds a lock of this kind on `file`, in the text of
/// `/proc/locks`. Lines of waiters have an arrow.
pub fn lock_holder(locks: &[u8], kind: LockKind, file: FileIdentity) -> Option<i32> {
    locks.split(|byte| *byte == b'\n').find_map(|line| {
        // 1: POSIX  ADVISORY  WRITE 1234 fe:00:326279 0 EOF
        let mut line = core::str::from_utf8(line).ok()?;
        let mut next = || word(&mut line);
        let (_number, kind_of_this) = (next()?, next()?);
        let is_kind = match kind_of_this {
            "FLOCK" => kind == LockKind::Flock,
            "POSIX" | "OFDLCK" => kind == LockKind::Fcntl,
            _ => false,
        };
        if !is_kind {
            return None;
        }
        let (_is_advisory, _access) = (next()?, next()?);
        // -1 stands for a lock of an open file.
        let holder = match next()? {
            "-1" => -1,
            pid => number::parse(pid, 10)?.try_into().ok()?,
        };
        let (device, inode) = next()?.rsplit_once(COLON)?;
        let (major, minor) = device.split_once(COLON)?;
        let is_same_file = number::parse(major, 16)? == u64::from(file.major)
            && number::parse(minor, 16)? == u64::from(file.minor)
            && number::parse(inode, 10)? == file.inode;
        is_same_file.then_some(holder)
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
    let (_, inode) = link.strip_suffix(']')?.split_once(COLON)?;
    number::parse(inode.strip_prefix('[')?, 10)
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
