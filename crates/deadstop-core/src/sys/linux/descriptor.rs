//! Descriptors: opening and reading without libc's wrappers, and which file a
//! descriptor is of.
//!
//! A file's status comes from `statx` with the cached values: a plain `fstat`
//! asks the server of a network file system, and would hang with it.

use core::ffi::{CStr, c_int, c_long, c_uint};
use core::mem::MaybeUninit;

use super::errno;
use crate::sys::{FileIdentity, FileKind};

/// The number of tries of an interrupted system call.
const CALL_ATTEMPTS: u32 = 100;

/// Returns the kind of file that a descriptor is of. `None` if it is closed, or
/// if finding out would wait for a file server.
pub fn file_kind(descriptor: c_int) -> Option<FileKind> {
    let status = status(descriptor)?;
    Some(match u32::from(status.stx_mode) & libc::S_IFMT {
        libc::S_IFIFO => FileKind::Pipe,
        libc::S_IFDIR => FileKind::Directory,
        libc::S_IFCHR => match status.stx_rdev_major {
            // Consoles and serial lines, `/dev/tty` and `/dev/console`, and
            // pseudo-terminals.
            4 | 5 | 136..=143 | 204 => FileKind::Terminal,
            _ => FileKind::CharacterDevice,
        },
        libc::S_IFBLK => FileKind::BlockDevice,
        _ => FileKind::Other,
    })
}

/// A descriptor that this crate opened, with the identity of its file: the
/// program may close the descriptor, and its number may then be another file's.
#[derive(Debug)]
pub(super) struct VerifiedDescriptor {
    number: c_int,
    identity: FileIdentity,
}

impl VerifiedDescriptor {
    /// Takes a descriptor that the caller opened.
    #[inline(never)] // Six callers.
    pub(super) fn new(number: c_int) -> Option<Self> {
        let number = above_stdio(number)?;
        match file_identity(number) {
            Some(identity) => Some(Self { number, identity }),
            None => {
                close(number);
                None
            }
        }
    }

    pub(super) fn number(&self) -> c_int {
        self.number
    }

    /// Returns `true` if the number still stands for the same file.
    pub(super) fn is_ours(&self) -> bool {
        file_identity(self.number) == Some(self.identity)
    }
}

/// Returns the identity of a descriptor's file. `None` if the descriptor is closed.
#[inline(never)] // As `status_at`.
pub fn file_identity(descriptor: c_int) -> Option<FileIdentity> {
    if let Some(status) = status(descriptor) {
        return Some(FileIdentity {
            major: status.stx_dev_major,
            minor: status.stx_dev_minor,
            inode: status.stx_ino,
        });
    }
    // Before Linux 4.11, and under filters as old as that, there is no statx.
    let status = old_status(descriptor)?;
    Some(FileIdentity {
        major: libc::major(status.st_dev),
        minor: libc::minor(status.st_dev),
        inode: wide(status.st_ino),
    })
}

/// An inode's number, which has 32 bits on some systems.
fn wide(inode: impl Into<u64>) -> u64 {
    inode.into()
}

/// Returns the number of links to the file of a descriptor.
pub(super) fn links(descriptor: c_int) -> Option<u32> {
    if let Some(status) = status(descriptor) {
        return Some(status.stx_nlink);
    }
    let status = old_status(descriptor)?;
    u32::try_from(status.st_nlink).ok()
}

/// Opens an existing file, close-on-exec. The error is an `errno` value.
#[inline(never)] // As `status_at`.
pub(super) fn open(folder: c_int, path: &CStr, flags: c_int) -> Result<c_int, c_int> {
    // SAFETY: the pointer is to a text that ends with zero. Nothing is created,
    // so no mode is read. The raw call, since a preloaded library may have
    // replaced `open`.
    let number = repeat(|| unsafe {
        libc::syscall(
            libc::SYS_openat,
            folder,
            path.as_ptr(),
            flags | libc::O_CLOEXEC,
        )
    });
    Ok(c_int::try_from(number?).unwrap_or(-1))
}

/// Reads once into `buffer`. The error is an `errno` value.
pub(super) fn read(descriptor: c_int, buffer: &mut [u8]) -> Result<usize, c_int> {
    // SAFETY: the pointer is valid for writes of the length given.
    repeat(|| unsafe {
        libc::syscall(
            libc::SYS_read,
            descriptor,
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    })
}

/// Reads the link `path` below a directory that is open. The error is an `errno` value.
pub(super) fn read_link<'a>(
    folder: c_int,
    path: &CStr,
    buffer: &'a mut [u8],
) -> Result<&'a [u8], c_int> {
    // SAFETY: the first pointer is to a text that ends with zero, the second is valid for
    // writes of the length given.
    let len = repeat(|| unsafe {
        libc::syscall(
            libc::SYS_readlinkat,
            folder,
            path.as_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    });
    Ok(buffer.get(..len?).unwrap_or(&[]))
}

/// Goes back to the first entry of a directory that is open.
pub(super) fn rewind(folder: c_int) {
    // SAFETY: three integers, and a directory has a beginning.
    unsafe { libc::lseek(folder, 0, libc::SEEK_SET) };
}

/// Moves a descriptor to a number above standard error's. If the program has
/// closed one of the first three, a new descriptor gets its number, and code
/// that writes to standard error would write to this file.
pub(super) fn above_stdio(number: c_int) -> Option<c_int> {
    if number > libc::STDERR_FILENO {
        return Some(number);
    }
    let first = libc::STDERR_FILENO.saturating_add(1);
    // SAFETY: three integers.
    let copy = unsafe { libc::syscall(libc::SYS_fcntl, number, libc::F_DUPFD_CLOEXEC, first) };
    close(number);
    c_int::try_from(copy).ok().filter(|copy| *copy >= first)
}

/// Closes a descriptor that the caller owns.
pub(super) fn close(number: c_int) {
    // Not repeated: Linux has released the number whatever it returns.
    // SAFETY: the callers own the descriptor: they opened it and it has not
    // been closed, or it is the file that they opened under that number.
    unsafe { libc::syscall(libc::SYS_close, number) };
}

/// Makes a system call until no signal interrupts it. The error is an `errno`
/// value.
pub(super) fn repeat(mut call: impl FnMut() -> c_long) -> Result<usize, c_int> {
    for _ in 0..CALL_ATTEMPTS {
        match usize::try_from(call()) {
            Ok(done) => return Ok(done),
            Err(_) if errno::last() == libc::EINTR => {}
            Err(_) => return Err(errno::last()),
        }
    }
    Err(libc::EINTR)
}

fn status(descriptor: c_int) -> Option<libc::statx> {
    let flags = libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC;
    status_at(descriptor, c"", flags)
}

#[inline(never)] // Nine callers.
fn status_at(folder: c_int, path: &CStr, flags: c_int) -> Option<libc::statx> {
    let mut status = MaybeUninit::<libc::statx>::zeroed();
    let fields: c_uint = libc::STATX_TYPE | libc::STATX_MODE | libc::STATX_INO | libc::STATX_NLINK;
    // SAFETY: the first pointer is to a text that ends with zero, the second is
    // valid for writes.
    let read = unsafe {
        libc::syscall(
            libc::SYS_statx,
            folder,
            path.as_ptr(),
            flags,
            fields,
            status.as_mut_ptr(),
        )
    };
    match read {
        // SAFETY: zeroed, and now written; all its fields are integers.
        0 => Some(unsafe { status.assume_init() }),
        _ => None,
    }
}

/// Returns the inode of the file that a link of `/proc/PID/fd` leads to. Asks no file
/// server.
pub(super) fn inode_at(folder: c_int, link: &CStr) -> Option<u64> {
    let status = status_at(folder, link, libc::AT_STATX_DONT_SYNC)?;
    Some(status.stx_ino)
}

/// Returns the mode of a link of `/proc/PID/fd`.
pub(super) fn mode_at(folder: c_int, link: &CStr) -> Option<u32> {
    let status = status_at(folder, link, libc::AT_SYMLINK_NOFOLLOW)?;
    Some(u32::from(status.stx_mode))
}

fn old_status(descriptor: c_int) -> Option<libc::stat> {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the pointer is valid for writes.
    let read = unsafe { libc::fstat(descriptor, status.as_mut_ptr()) };
    match read {
        // SAFETY: zeroed, and now written; all its fields are integers.
        0 => Some(unsafe { status.assume_init() }),
        _ => None,
    }
}
