//! What a thread is doing, as far as the system tells.

use ::core::ffi::{c_int, c_long};
use ::core::option::Option;

use super::super::line::Line;
use super::super::sizes::DETAIL;

/// What a thread is doing.
pub(crate) enum Doing {
    /// It runs, or would if it had a processor.
    Runs,
    /// On a futex: a lock, a condition variable and a join look the same.
    WaitsForLock,
    /// From this descriptor, if it is known which.
    Reads(Option<Descriptor>),
    /// To this descriptor, if it is known which.
    Writes(Option<Descriptor>),
    Sleeps,
    WaitsForChild,
    WaitsForSignal,
    /// For one of several descriptors.
    Polls,
    /// In a system call of another kind.
    Calls {
        call: Call,
        descriptor: Option<Descriptor>,
    },
    /// In a sleep that no signal ends, `SIGKILL` included: a disk, a network
    /// file system, a child of `vfork`.
    Uninterruptible {
        call: Option<Call>,
        descriptor: Option<Descriptor>,
    },
    Stopped,
    Ended,
    Unknown,
}

impl Doing {
    /// The descriptor that it is about, if it is known which.
    pub(crate) fn descriptor_mut(&mut self) -> Option<&mut Descriptor> {
        match self {
            Self::Reads(descriptor)
            | Self::Writes(descriptor)
            | Self::Calls { descriptor, .. }
            | Self::Uninterruptible { descriptor, .. } => descriptor.as_mut(),
            _ => Option::None,
        }
    }
}

/// A system call.
pub(crate) struct Call {
    pub(crate) number: c_long,
    /// A C identifier; empty if it is not one of those that are known to block.
    pub(crate) name: &'static str,
}

/// A descriptor, and what it stands for.
pub(crate) struct Descriptor {
    pub(crate) number: c_int,
    pub(crate) kind: Kind,
    /// Which one: a path, an address, the kernel's name for it. Of a long path,
    /// the end. Bytes that are not UTF-8 are U+FFFD; empty if there is nothing
    /// to say.
    pub(crate) detail: Line<DETAIL>,
}

/// What a descriptor stands for.
#[derive(
    ::core::clone::Clone, ::core::marker::Copy, ::core::cmp::PartialEq, ::core::fmt::Debug,
)]
pub(crate) enum Kind {
    Pipe,
    Socket,
    File,
    Directory,
    Terminal,
    /// A character device that is no terminal.
    Device,
    /// A block device.
    Disk,
    /// What the kernel makes without a path: an eventfd, an epoll instance.
    Object,
    /// It has been closed, under the thread that uses it.
    Closed,
    Unknown,
}

impl Kind {
    /// The word for it; empty if it is not known.
    pub(crate) const fn word(self) -> &'static str {
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
