//! Facts about threads and descriptors, as plain values that every backend uses. A system
//! leaves out the facts that it does not have.

use core::ffi::c_int;

use crate::sys::SignalSet;

/// A file about a thread.
#[derive(Clone, Copy, Debug)]
pub enum ThreadFile {
    /// `comm`: the name.
    Name,
    /// `stat`: the state, among others.
    Stat,
    /// `wchan`: the kernel function that the thread waits in.
    WaitChannel,
    /// `syscall`: the system call that the thread is in.
    Syscall,
}

/// A thread, as `/proc` describes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ThreadStatus {
    /// The thread has ended; only its number is still there.
    pub has_ended: bool,
    /// The signals that the thread blocks.
    pub blocked: SignalSet,
}

/// The object that a thread waits for in a system call.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum WaitKind {
    /// A futex: a lock, a condition variable or a join.
    Lock,
    /// To read from the descriptor in the first argument.
    Read,
    /// To write to the descriptor in the first argument.
    Write,
    /// A point in time.
    Sleep,
    /// A child process.
    Child,
    /// A signal.
    Signal,
    /// One of several descriptors.
    Poll,
    /// Another event of the descriptor in the first argument.
    Descriptor,
    /// Any other object.
    Other,
    /// Whatever the thread waited for before it was stopped and continued: the
    /// kernel shows this call in place of the first.
    Restarted,
}

/// A kind of file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A pipe, with or without a path.
    Pipe,
    /// A directory.
    Directory,
    /// A terminal.
    Terminal,
    /// A character device that is no terminal.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// Another kind, usually a regular file.
    Other,
}

/// The identity of a file: no other file has the same one while this one exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileIdentity {
    /// The major number of the device.
    pub major: u32,
    /// The minor number of the device.
    pub minor: u32,
    /// The inode on that device.
    pub inode: u64,
}

/// A descriptor's file, and what its process may do with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeldFile {
    /// The file's inode.
    pub inode: u64,
    /// The process may read from it.
    pub is_read: bool,
    /// The process may write to it.
    pub is_written: bool,
}

/// The kind of a socket.
#[derive(Clone, Copy, Debug)]
pub struct Socket {
    /// `AF_INET` and the like.
    pub family: c_int,
    /// `SOCK_STREAM` and the like.
    pub kind: c_int,
}

/// An end of a socket's connection.
#[derive(Clone, Copy, Debug)]
pub enum SocketEnd {
    /// The socket's own end.
    Local,
    /// The other end.
    Peer,
}

/// A system call whose arguments tell what a thread waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevealingCall {
    /// `fcntl`: the descriptor comes first, and the operation second.
    Fcntl,
    /// `flock`: the descriptor comes first.
    Flock,
    /// `futex`: the address of a lock's word comes first.
    Futex,
    /// `open`: the address of the path comes first.
    Open,
    /// `poll` and `ppoll`: the address of the descriptors comes first, and their number
    /// second.
    Poll,
    /// `openat`: the address of the path comes second.
    Openat,
    /// `wait4`: the child's id comes first.
    Wait4,
    /// `waitid`: the kind of id comes first, and the id second.
    Waitid,
}
