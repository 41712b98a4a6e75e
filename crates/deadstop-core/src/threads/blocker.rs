//! The blocker of a thread: another thread, or another process.

use core::ffi::c_int;

use crate::buffer::TextBuffer;
use crate::sizes::THREAD_NAME_LEN;

/// The thread, process or descriptor that holds up a thread.
#[derive(Clone, Debug)]
pub enum Blocker {
    /// Not known, or nothing.
    Unknown,
    /// A thread of this process.
    Thread {
        /// Its id.
        tid: c_int,
        /// The way in which it holds up the other.
        hold: Hold,
    },
    /// A child process, the holder of a file's lock, or the other end of a pipe or a local
    /// socket.
    Process {
        /// Its id.
        pid: c_int,
        /// Its name; empty if it is not known.
        name: TextBuffer<THREAD_NAME_LEN>,
        /// As `ps` shows it; 0 if it is not known.
        state: u8,
        /// The number of other processes that have the same end open.
        others: u32,
    },
    /// The other end of a pipe or a local socket, which this process has open and no other
    /// that is known.
    OwnDescriptor {
        /// Its number.
        number: c_int,
    },
}

/// The way in which a thread holds up another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hold {
    /// The other waits for its end.
    Joined,
    /// It owns the lock.
    Owns,
    /// It is in a system call on the other end of a pipe or a local socket.
    OtherEnd,
    /// The lock's address is on its stack, and on no other thread's.
    Refers,
}
