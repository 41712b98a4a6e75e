//! What a descriptor stands for, as its file's status has it.
//!
//! By `statx` with what is known already: a plain `fstat` asks the server of a
//! network file system, and would hang with the thread that hangs there.

use ::core::clone::Clone;
use ::core::cmp::PartialEq;
use ::core::convert::{From, TryFrom};
use ::core::ffi::{c_int, c_uint};
use ::core::marker::Copy;
use ::core::mem::MaybeUninit;
use ::core::option::Option::{self, None, Some};

/// One file among all: its device's two numbers, and its own.
#[derive(PartialEq)]
pub(super) struct Identity(u32, u32, u64);

/// Which file is behind a descriptor. `None` if there is none.
pub(super) fn identity(descriptor: c_int) -> Option<Identity> {
    if let Some(status) = status(descriptor) {
        return Some(Identity(
            status.stx_dev_major,
            status.stx_dev_minor,
            status.stx_ino,
        ));
    }
    // Before Linux 4.11, and under filters as old as that, there is no statx.
    let status = old_status(descriptor)?;
    Some(Identity(
        ::libc::major(status.st_dev),
        ::libc::minor(status.st_dev),
        status.st_ino,
    ))
}

/// How many links the file behind a descriptor has.
pub(super) fn links(descriptor: c_int) -> Option<u32> {
    if let Some(status) = status(descriptor) {
        return Some(status.stx_nlink);
    }
    let status = old_status(descriptor)?;
    u32::try_from(status.st_nlink).ok()
}

/// A kind of file.
#[derive(Clone, Copy)]
pub(in crate::kill_path) enum FileKind {
    Pipe,
    Directory,
    Terminal,
    Character,
    Block,
    /// A regular one, for the most part.
    Other,
}

/// The kind of file behind a descriptor. `None` if there is none, or if it
/// cannot be told without waiting for somebody.
pub(in crate::kill_path) fn kind(descriptor: c_int) -> Option<FileKind> {
    let status = status(descriptor)?;
    Some(match u32::from(status.stx_mode) & ::libc::S_IFMT {
        ::libc::S_IFIFO => FileKind::Pipe,
        ::libc::S_IFDIR => FileKind::Directory,
        ::libc::S_IFCHR => match status.stx_rdev_major {
            // Consoles and serial lines, the two that stand for one's own, and
            // pseudo-terminals.
            4 | 5 | 136..=143 | 204 => FileKind::Terminal,
            _ => FileKind::Character,
        },
        ::libc::S_IFBLK => FileKind::Block,
        _ => FileKind::Other,
    })
}

fn status(descriptor: c_int) -> Option<::libc::statx> {
    let mut status = MaybeUninit::<::libc::statx>::zeroed();
    let how = ::libc::AT_EMPTY_PATH | ::libc::AT_STATX_DONT_SYNC;
    let what: c_uint = ::libc::STATX_TYPE | ::libc::STATX_INO | ::libc::STATX_NLINK;
    // SAFETY: the first pointer is to a text that ends with zero, the second is
    // valid for writes.
    let read = unsafe {
        ::libc::syscall(
            ::libc::SYS_statx,
            descriptor,
            c"".as_ptr(),
            how,
            what,
            status.as_mut_ptr(),
        )
    };
    match read {
        // SAFETY: zeroed, and now written; all its fields are integers.
        0 => Some(unsafe { status.assume_init() }),
        _ => None,
    }
}

fn old_status(descriptor: c_int) -> Option<::libc::stat> {
    let mut status = MaybeUninit::<::libc::stat>::zeroed();
    // SAFETY: the pointer is valid for writes.
    let read = unsafe { ::libc::fstat(descriptor, status.as_mut_ptr()) };
    match read {
        // SAFETY: zeroed, and now written; all its fields are integers.
        0 => Some(unsafe { status.assume_init() }),
        _ => None,
    }
}
