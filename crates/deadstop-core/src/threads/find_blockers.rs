//! Finds what holds up a thread: another thread, or another process.
//!
//! A futex has no owner that the kernel knows. The evidence is in the process's own memory:
//!
//! | wait | known by |
//! | --- | --- |
//! | `pthread_join` | the word is the id of the thread, and the kernel clears it |
//! | `pthread_mutex_lock` (glibc) | the owner's id follows the lock's word |
//! | priority-inheriting mutexes | the word has the owner's id |
//! | `flock`, `fcntl` with a lock | `/proc/locks` has the holder, by the file |
//! | other locks | the lock's address is on the stack of exactly one other thread, in a guard |
//! | `parking_lot` | as other locks; the lock's address is before the word that its threads wait on |
//!
//! The last two rows are evidence and no proof: [`Hold::Refers`] says so. If several threads
//! have the address on their stacks, the blocker stays unknown.
//!
//! `find_other_ends` finds the other ends of pipes and local sockets.

use core::ffi::c_int;

use super::blocker::{Blocker, Hold};
use super::parse::{Arguments, LockKind};
use super::table::ThreadTable;
use super::{is_over, parse, sanitize};
use crate::buffer::TextBuffer;
use crate::sys::{
    Nanos, RevealingCall, ThreadFile, ThreadReader, file_identity, pid, process_file, read_memory,
    read_u32, read_usize, revealing_call,
};

/// The operation of `futex`, without its flags.
const OPERATION: u64 = 0x7f;
const PRIVATE: u64 = 128;
const WAIT: u64 = 0;
const LOCK_PI: u64 = 6;
const WAIT_BITSET: u64 = 9;
const LOCK_PI2: u64 = 13;

/// The bits of a futex that hold an owner's id.
const OWNER: u32 = 0x3fff_ffff;

/// The innermost part of a stack that is searched, in pieces.
const PIECES: usize = 8;
const PIECE: usize = 4096;

/// Locks whose addresses are searched for.
const LOCKS: usize = 16;

/// Fills in who holds up the listed threads. Begins nothing after `until`.
pub(super) fn find(table: &mut ThreadTable, folder: &ThreadReader<'_>, until: Nanos) {
    let mut locks = [const { None::<WaitedForLock> }; LOCKS];
    let mut free = locks.iter_mut();
    for index in 0..table.len {
        let call = table.threads.get(index).and_then(|thread| thread.call);
        let Some(call) = call.filter(|_| !is_over(until)) else {
            continue;
        };
        let [first, second, ..] = call.arguments;
        if let Some(thread) = table.threads.get_mut(index) {
            thread.lock_address = lock_address(&call);
        }
        let blocker = match revealing_call(call.number) {
            Some(RevealingCall::Futex) => futex(&call, folder),
            Some(RevealingCall::Flock) => lock_holder(first as c_int, LockKind::Flock),
            Some(RevealingCall::Fcntl) if WAITS_FOR_LOCK.contains(&second) => {
                lock_holder(first as c_int, LockKind::Fcntl)
            }
            Some(RevealingCall::Wait4) => child(first as c_int),
            Some(RevealingCall::Waitid) if first == P_PID => child(second as c_int),
            _ => Found::Nothing,
        };
        match blocker {
            Found::Nothing => {}
            Found::Blocker(blocker) => {
                if let Some(thread) = table.threads.get_mut(index) {
                    thread.blocker = blocker;
                }
            }
            Found::Lock(address) => {
                if let Some(slot) = free.next() {
                    *slot = Some(WaitedForLock {
                        index,
                        address,
                        holder: Holder::None,
                    });
                }
            }
        }
    }
    if locks.iter().any(Option::is_some) {
        search_stacks(table, &mut locks, until);
    }
}

/// A lock whose owner is not known.
struct WaitedForLock {
    /// The position in the table of the thread that waits for it.
    index: usize,
    address: usize,
    holder: Holder,
}

/// The threads that have a lock's address on their stacks.
#[derive(Clone, Copy)]
enum Holder {
    None,
    One(c_int),
    Several,
}

impl Holder {
    fn add(&mut self, tid: c_int) {
        *self = match *self {
            Self::None => Self::One(tid),
            Self::One(known) if known == tid => return,
            Self::One(_) | Self::Several => Self::Several,
        };
    }
}

/// What the arguments of a system call say about the blocker.
enum Found {
    Nothing,
    Blocker(Blocker),
    /// The address of a lock whose owner is not known.
    Lock(usize),
}

fn futex(call: &Arguments, folder: &ThreadReader<'_>) -> Found {
    let [address, operation, ..] = call.arguments;
    let Ok(address) = usize::try_from(address) else {
        return Found::Nothing;
    };
    let Some(word) = read_u32(address) else {
        return Found::Nothing;
    };
    let held = |id: u32, hold| thread(id, folder).map(|tid| Blocker::Thread { tid, hold });
    let blocker = match operation & OPERATION {
        LOCK_PI | LOCK_PI2 => held(word & OWNER, Hold::Owns),
        // Only the kernel wakes those that wait for the end of a thread, and it
        // wakes futexes that processes share.
        WAIT | WAIT_BITSET if operation & PRIVATE == 0 => held(word, Hold::Joined),
        WAIT | WAIT_BITSET if word == CONTENDED => {
            owner_of_pthread_mutex(address).and_then(|owner| held(owner, Hold::Owns))
        }
        _ => None,
    };
    match blocker {
        Some(blocker) => Found::Blocker(blocker),
        None if word == CONTENDED => Found::Lock(address),
        None => match parking_lot_key(address) {
            Some(lock) => Found::Lock(lock),
            None => Found::Nothing,
        },
    }
}

/// Returns the address that all threads have in common that wait for the same lock or
/// condition; 0 if the call does not wait for one. With `parking_lot` each thread waits on a
/// futex of its own: there it is the lock's address.
fn lock_address(call: &Arguments) -> usize {
    let [address, operation, ..] = call.arguments;
    let waits = matches!(
        operation & OPERATION,
        WAIT | WAIT_BITSET | LOCK_PI | LOCK_PI2
    );
    if revealing_call(call.number) != Some(RevealingCall::Futex) || !waits {
        return 0;
    }
    let address = usize::try_from(address).unwrap_or(0);
    parking_lot_key(address).unwrap_or(address)
}

/// `waitid` is about one process.
const P_PID: u64 = 1;

/// The word of a lock that threads wait for, of glibc and of std.
const CONTENDED: u32 = 2;

/// Returns `id`, if it is a thread of this process. The words of locks hold small numbers,
/// which may be ids of threads too in a PID namespace of its own: 1 and 2 are not taken for
/// ids.
fn thread(id: u32, folder: &ThreadReader<'_>) -> Option<c_int> {
    let tid = c_int::try_from(id).ok().filter(|tid| *tid > 2)?;
    folder.read(tid, ThreadFile::Name, &mut [0; 32]).ok()?;
    Some(tid)
}

/// Returns the owner's id in a glibc mutex: `lock`, `count`, `owner`, `users`, `kind`. The
/// last two have few values, which tells a mutex from other memory.
fn owner_of_pthread_mutex(address: usize) -> Option<u32> {
    let word = |offset| read_u32(address.wrapping_add(offset));
    let (count, owner) = (word(4)?, word(8)?);
    let (users, kind) = (word(12)?, word(16)?);
    // Bit 8 says that lock elision was tried.
    (count <= 1 && users == 1 && kind & !0x3ff == 0 && kind & 0x7f <= 3).then_some(owner)
}

/// Returns the address of the lock that a thread of `parking_lot` waits for, if `futex` is
/// such a thread's: the word before it is then the address of a lock that is held and that
/// threads wait for.
fn parking_lot_key(futex: usize) -> Option<usize> {
    const HELD_AND_WAITED_FOR: u8 = 3;
    PARKING_LOT_KEY.iter().find_map(|distance| {
        let key = read_usize(futex.wrapping_sub(*distance)).filter(|key| *key > PIECE)?;
        let mut state = [0];
        let is_lock = read_memory(key, &mut state) == 1 && state == [HELD_AND_WAITED_FOR];
        is_lock.then_some(key)
    })
}

/// The possible positions of the key, in bytes before the futex.
const PARKING_LOT_KEY: &[usize] = &[32];

/// Searches the stacks of waiting threads for the addresses of locks, and fills in the
/// holders.
fn search_stacks(table: &mut ThreadTable, locks: &mut [Option<WaitedForLock>], until: Nanos) {
    for (index, thread) in table.iter().enumerate() {
        let Some(call) = thread.call.filter(|_| !is_over(until)) else {
            continue;
        };
        // The stack of a thread that waits for a lock has its address too.
        let mut waiting = locks.iter().flatten().filter(|lock| lock.index == index);
        let waits_for = waiting.next().map(|lock| lock.address);
        each_word(call.stack_pointer, |word| {
            for lock in locks.iter_mut().flatten() {
                if word == lock.address && Some(word) != waits_for {
                    lock.holder.add(thread.tid);
                }
            }
        });
    }
    for lock in locks.iter().flatten() {
        let Holder::One(tid) = lock.holder else {
            continue;
        };
        if let Some(thread) = table.threads.get_mut(lock.index) {
            thread.blocker = Blocker::Thread {
                tid,
                hold: Hold::Refers,
            };
        }
    }
}

/// Calls `each` with the words of a stack, from its innermost end.
fn each_word(stack_pointer: usize, mut each: impl FnMut(usize)) {
    let mut buffer = [0; PIECE];
    let start = stack_pointer & !(size_of::<usize>().wrapping_sub(1));
    for piece in 0..PIECES {
        let address = start.wrapping_add(piece.wrapping_mul(PIECE));
        let len = read_memory(address, &mut buffer);
        let words = buffer
            .get(..len)
            .unwrap_or(&[])
            .chunks_exact(size_of::<usize>());
        for word in words {
            if let Some(word) = word.first_chunk() {
                each(usize::from_ne_bytes(*word));
            }
        }
        if len < PIECE {
            return;
        }
    }
}

/// Operations of `fcntl` that wait for a lock.
const WAITS_FOR_LOCK: [u64; 2] = [F_SETLKW, F_OFD_SETLKW];
const F_SETLKW: u64 = 7;
const F_OFD_SETLKW: u64 = 38;

/// Finds the process that holds a lock on the file of a descriptor, by `/proc/locks`.
fn lock_holder(descriptor: c_int, kind: LockKind) -> Found {
    let Some(file) = file_identity(descriptor) else {
        return Found::Nothing;
    };
    let mut buffer = [0; LOCKS_FILE];
    // Beside the folder of each process.
    let Some(locks) = process_file(pid(), "/../locks", &mut buffer) else {
        return Found::Nothing;
    };
    match parse::lock_holder(locks, kind, file) {
        // The lock of an open file has no process, and this process cannot wait for
        // its own by fcntl(2).
        Some(holder) if holder > 0 => Found::Blocker(process(holder, 0)),
        _ => Found::Nothing,
    }
}

/// As much of `/proc/locks` as is read: some 200 locks.
const LOCKS_FILE: usize = 16 * 1024;

/// Returns the child `pid`, if the thread waits for one child by its id.
fn child(pid: c_int) -> Found {
    if pid <= 0 {
        return Found::Nothing;
    }
    Found::Blocker(process(pid, 0))
}

/// Returns the process `pid` with its name, if that is known; `others` have the same end open.
#[inline(never)] // For locks, children and other ends.
pub(super) fn process(pid: c_int, others: u32) -> Blocker {
    let mut buffer = [0; 256];
    let mut name = TextBuffer::new();
    if let Some(comm) = process_file(pid, "/comm", &mut buffer) {
        sanitize::lossy(&mut name, parse::name(comm));
    }
    let stat = process_file(pid, "/stat", &mut buffer);
    let state = stat.map_or(0, parse::state);
    Blocker::Process {
        pid,
        name,
        state,
        others,
    }
}
