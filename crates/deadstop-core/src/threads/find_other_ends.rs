//! Finds the process at the other end of a pipe or a local socket.
//!
//! | wait | the other end is |
//! | --- | --- |
//! | reads from a pipe | a descriptor of the same pipe that can be written, in any process |
//! | writes to a pipe | one that can be read |
//! | local socket | a descriptor of the peer, which the kernel's diagnostics name |
//! | polls a few of these | the first that has another end |
//!
//! The search reads `/proc/PID/fd` of the processes that the kernel lets it see, once for
//! all waiting threads, until its time is over. A process that it did not come to is left
//! out; where it found none, `SO_PEERCRED` names the process that connected the socket.

use core::ffi::c_int;

use super::activity::DescriptorKind;
use super::blocker::{Blocker, Hold};
use super::find_blockers::process;
use super::table::ThreadTable;
use super::thread::Thread;
use super::{Activity, is_over, parse};
use crate::sys::{
    self, Nanos, ProcessDescriptors, Processes, RevealingCall, ThreadReader, file_identity,
    local_peer, peer_process, pid, read_memory, revealing_call,
};

/// Ends that are searched for.
const WANTED: usize = 16;

/// Descriptors that are looked at, of all processes.
const LOOKED_AT: u32 = 65_536;

/// Descriptors of a `poll` that are looked at. With more it is an event loop.
const POLLED: usize = 4;

/// The longest link that is read. That of a pipe or a socket is short.
const LINK: usize = 256;

/// An end that is searched for.
#[derive(Clone, Copy)]
struct Wanted {
    /// The position of the thread in the table.
    index: usize,
    /// The descriptor that the thread waits for.
    descriptor: c_int,
    file: File,
    /// The process that was found first, and how many others there are.
    holder: c_int,
    others: u32,
    /// A descriptor of this process, or -1.
    own: c_int,
}

/// The file of an end.
#[derive(Clone, Copy)]
struct File {
    /// The hash of its link.
    link: u64,
    inode: u64,
    side: Side,
}

/// The mode in which the other end of a file is opened.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Read,
    Write,
    Either,
}

/// Fills in the processes at the other ends. Begins nothing after `until`.
pub(super) fn find(table: &mut ThreadTable, folder: &ThreadReader<'_>, until: Nanos) {
    let mut wanted = [None; WANTED];
    let mut len = 0_usize;
    for (index, thread) in table.iter().enumerate() {
        let Some(slot) = wanted.get_mut(len).filter(|_| !is_over(until)) else {
            break;
        };
        if matches!(thread.blocker, Blocker::Unknown) {
            *slot = wanted_by(thread, index, folder);
            len = len.saturating_add(usize::from(slot.is_some()));
        }
    }
    if len > 0 {
        search(&mut wanted, until);
    }
    for wanted in wanted.iter().flatten() {
        let blocker = blocker(table, wanted);
        if let Some(thread) = table.threads.get_mut(wanted.index) {
            thread.blocker = blocker;
        }
    }
}

/// Returns the end that a thread waits for.
fn wanted_by(thread: &Thread, index: usize, folder: &ThreadReader<'_>) -> Option<Wanted> {
    let end = |descriptor, side| {
        Some(Wanted {
            index,
            descriptor,
            file: other_file(thread.tid, descriptor, side, folder)?,
            holder: 0,
            others: 0,
            own: -1,
        })
    };
    match &thread.activity {
        Activity::Reads(Some(on)) if is_an_end(on.kind) => end(on.number, Side::Write),
        Activity::Writes(Some(on)) if is_an_end(on.kind) => end(on.number, Side::Read),
        Activity::Calls {
            descriptor: Some(on),
            ..
        } if on.kind == DescriptorKind::Socket => end(on.number, Side::Either),
        Activity::Polls => {
            let call = thread.call?;
            let polls = revealing_call(call.number) == Some(RevealingCall::Poll);
            let [address, count, ..] = call.arguments;
            let count = usize::try_from(count).ok().filter(|_| polls)?;
            polled(address, count)?
                .iter()
                .flatten()
                .find_map(|(number, side)| end(*number, *side))
        }
        _ => None,
    }
}

fn is_an_end(kind: DescriptorKind) -> bool {
    matches!(kind, DescriptorKind::Pipe | DescriptorKind::Socket)
}

/// Reads the `struct pollfd`s of a call.
fn polled(address: u64, count: usize) -> Option<[Option<(c_int, Side)>; POLLED]> {
    /// `POLLIN` and `POLLOUT`.
    const READS: u16 = 1;
    const WRITES: u16 = 4;
    const SIZE: usize = 8;
    let mut buffer = [0; SIZE * POLLED];
    let bytes = buffer.get_mut(..count.checked_mul(SIZE)?)?;
    let len = read_memory(usize::try_from(address).ok()?, bytes);
    let mut found = [None; POLLED];
    for (slot, entry) in found.iter_mut().zip(bytes.get(..len)?.chunks_exact(SIZE)) {
        let number = c_int::from_ne_bytes(*entry.first_chunk()?);
        let events = u16::from_ne_bytes(*entry.get(4..)?.first_chunk()?);
        let side = match (events & READS != 0, events & WRITES != 0) {
            (true, false) => Side::Write,
            (false, true) => Side::Read,
            _ => continue,
        };
        *slot = Some((number, side)).filter(|(number, _)| *number >= 0);
    }
    Some(found)
}

/// Returns the file whose descriptors are the other end of a thread's.
fn other_file(tid: c_int, own: c_int, side: Side, folder: &ThreadReader<'_>) -> Option<File> {
    let mut buffer = [0; LINK];
    let link = folder.link(tid, own, &mut buffer).ok()?;
    // A link of this length may be cut.
    let link = link.get(..).filter(|link| link.len() < LINK)?;
    match parse::link(link) {
        parse::Link::Socket => {
            let is_local = sys::socket(own).is_some_and(|socket| socket.family == sys::AF_UNIX);
            let peer = local_peer(parse::inode(link).filter(|_| is_local)?)?;
            let mut name = crate::buffer::TextBuffer::<32>::new();
            name.text("socket:[").number(peer).text("]");
            Some(File {
                link: hash(name.as_bytes()),
                inode: peer,
                side: Side::Either,
            })
        }
        parse::Link::Pipe | parse::Link::Path(_) => {
            let is_pipe = sys::file_kind(own) == Some(sys::FileKind::Pipe);
            let identity = file_identity(own).filter(|_| is_pipe)?;
            Some(File {
                link: hash(link),
                inode: identity.inode,
                side,
            })
        }
        parse::Link::Object(_) => None,
    }
}

/// Looks at the descriptors of the processes: those that were started after this one
/// first, since its children are among them.
fn search(wanted: &mut [Option<Wanted>], until: Nanos) {
    let Some(processes) = Processes::open() else {
        return;
    };
    let this = pid();
    let mut left = LOOKED_AT;
    for is_later in [true, false] {
        processes.rewind();
        let mut buffer = [0; 2048];
        loop {
            let ids = processes.next(&mut buffer);
            if ids.is_empty() {
                break;
            }
            for id in ids.filter(|id| (*id >= this) == is_later) {
                if is_over(until) || left == 0 {
                    return;
                }
                if let Some(descriptors) = processes.descriptors(id) {
                    look_at(&descriptors, id, wanted, &mut left, until);
                }
            }
        }
    }
}

/// Looks at the descriptors of the process `holder`.
#[inline(never)] // Not in an unrolled loop.
fn look_at(
    descriptors: &ProcessDescriptors,
    holder: c_int,
    wanted: &mut [Option<Wanted>],
    left: &mut u32,
    until: Nanos,
) {
    let mut entries = [0; 2048];
    loop {
        let numbers = descriptors.next(&mut entries);
        if numbers.is_empty() || is_over(until) {
            return;
        }
        for number in numbers {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return;
            }
            let mut buffer = [0; LINK];
            let Some(link) = descriptors.link(number, &mut buffer) else {
                continue;
            };
            let link = hash(link);
            for wanted in wanted.iter_mut().flatten() {
                let is_other = holder != pid() || number != wanted.descriptor;
                if link == wanted.file.link
                    && is_other
                    && wanted.file.is_open_as(descriptors, number)
                {
                    wanted.found(holder, number);
                }
            }
        }
    }
}

impl File {
    /// Returns `true` if the descriptor is of this file, and of its other end.
    fn is_open_as(&self, descriptors: &ProcessDescriptors, number: c_int) -> bool {
        let Some(file) = descriptors.file(number) else {
            return false;
        };
        let is_side = match self.side {
            Side::Read => file.is_read,
            Side::Write => file.is_written,
            Side::Either => true,
        };
        is_side && file.inode == self.inode
    }
}

impl Wanted {
    fn found(&mut self, holder: c_int, number: c_int) {
        if holder == pid() {
            self.own = number;
        } else if self.holder == 0 {
            self.holder = holder;
        } else if self.holder != holder {
            self.others = self.others.saturating_add(1);
        }
    }
}

/// Returns the blocker at the end that was found.
fn blocker(table: &ThreadTable, wanted: &Wanted) -> Blocker {
    if wanted.holder > 0 {
        return process(wanted.holder, wanted.others);
    }
    if wanted.own >= 0 {
        return own(table, wanted);
    }
    match peer_process(wanted.descriptor) {
        Some(peer) if peer != pid() => process(peer, 0),
        _ => Blocker::Unknown,
    }
}

/// Returns the blocker where the other end is this process's: the thread that is in a call on
/// it, if there is exactly one.
fn own(table: &ThreadTable, wanted: &Wanted) -> Blocker {
    let is_on_it = |thread: &&Thread| {
        let descriptor = match &thread.activity {
            Activity::Reads(on) | Activity::Writes(on) => on.as_ref(),
            Activity::Calls { descriptor, .. } => descriptor.as_ref(),
            _ => None,
        };
        descriptor.is_some_and(|on| on.number == wanted.own)
    };
    let mut threads = table.iter().filter(is_on_it);
    match (threads.next(), threads.next()) {
        (Some(thread), None) => Blocker::Thread {
            tid: thread.tid,
            hold: Hold::OtherEnd,
        },
        _ => Blocker::OwnDescriptor { number: wanted.own },
    }
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
