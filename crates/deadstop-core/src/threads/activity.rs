//! The activity of a thread, as far as the kernel reports it.

use core::ffi::{c_int, c_long};

use crate::buffer::TextBuffer;
use crate::sizes::DETAIL_LEN;

/// The activity of a thread.
#[derive(Debug)]
pub enum Activity {
    /// It runs, or would run if a processor were free.
    Runs,
    /// It waits on a futex: a lock, a condition variable and a join look the same.
    WaitsForLock,
    /// It reads from this descriptor, if it is known.
    Reads(Option<Descriptor>),
    /// It writes to this descriptor, if it is known.
    Writes(Option<Descriptor>),
    /// It sleeps until a point in time.
    Sleeps,
    /// It waits for a child process.
    WaitsForChild,
    /// It waits for a signal.
    WaitsForSignal,
    /// It waits for one of several descriptors.
    Polls,
    /// It is in another system call.
    Calls {
        /// The call.
        call: SystemCall,
        /// The descriptor in its first argument, if it has one.
        descriptor: Option<Descriptor>,
        /// The path that it opens; empty if it opens none. A long path is cut at the
        /// beginning.
        path: TextBuffer<DETAIL_LEN>,
    },
    /// It is in a sleep that no signal interrupts, not even `SIGKILL`: on a disk,
    /// a network file system, or a child of `vfork`.
    Uninterruptible {
        /// The call, if it is known.
        call: Option<SystemCall>,
        /// The descriptor in its first argument, if it has one.
        descriptor: Option<Descriptor>,
    },
    /// It is stopped by a signal or a tracer.
    Stopped,
    /// It has ended.
    Ended,
    /// The kernel does not say.
    Unknown,
}

impl Activity {
    /// Returns the descriptor of the activity, if it is known.
    pub fn descriptor_mut(&mut self) -> Option<&mut Descriptor> {
        match self {
            Self::Reads(descriptor)
            | Self::Writes(descriptor)
            | Self::Calls { descriptor, .. }
            | Self::Uninterruptible { descriptor, .. } => descriptor.as_mut(),
            _ => None,
        }
    }
}

/// A system call.
#[derive(Clone, Copy, Debug)]
pub struct SystemCall {
    /// Its number on this machine.
    pub number: c_long,
    /// Its name, a C identifier; empty if it is not known to block.
    pub name: &'static str,
}

/// A descriptor and its file.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// Its number.
    pub number: c_int,
    /// The kind of its file.
    pub kind: DescriptorKind,
    /// Its file: a path, an address, or the kernel's name for it. A long path is cut
    /// at the beginning. Bytes that are not UTF-8 are U+FFFD; empty if there is
    /// nothing to say.
    pub detail: TextBuffer<DETAIL_LEN>,
}

/// The kind of a descriptor's file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DescriptorKind {
    /// A pipe, with or without a path.
    Pipe,
    /// A socket.
    Socket,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A terminal.
    Terminal,
    /// A character device that is no terminal.
    Device,
    /// A block device.
    Disk,
    /// A kernel object without a path: an eventfd, an epoll instance.
    Object,
    /// It was closed while the thread was using it.
    Closed,
    /// The kernel does not say.
    Unknown,
}

impl DescriptorKind {
    /// Returns the word for it; empty if it is not known.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pipe => "pipe",
            Self::Socket => "socket",
            Self::File => "file",
            Self::Directory => "directory",
            Self::Terminal => "terminal",
            Self::Device => "device",
            Self::Disk => "disk",
            Self::Object => "object",
            Self::Closed => "closed",
            Self::Unknown => "",
        }
    }
}
