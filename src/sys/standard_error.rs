//! Descriptor 2, and single lines on it from any place in the process.
//!
//! Number 2 may belong to another file by then. A program that rotates its log makes a new
//! file its standard error, and lines belong there. A daemon closes its descriptors and
//! opens a database, which then gets the number, and nothing may be written there. The
//! kernel does not say which of the two a file is, so [`Number2`] goes by how programs open
//! files. No duplicate is kept, so the reader of a pipe sees its end when the program
//! closes it.
//!
//! # Orderings
//!
//! The identity is three words that are written at install, before the watchdog is
//! enabled. A reader that sees one of them old compares unequal, and writes
//! nothing.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use super::quiet_write;
use deadstop_core::sys::ErrnoGuard;

static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);
static CREATED: AtomicU64 = AtomicU64::new(0);

/// Remembers which file standard error is.
pub(crate) fn remember() {
    let file = Status::of(number_2()).unwrap_or(Status::NONE);
    DEVICE.store(file.device, Ordering::Release);
    INODE.store(file.inode, Ordering::Release);
    CREATED.store(file.created, Ordering::Release);
}

/// The file that descriptor 2 stands for now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Number2 {
    /// The file of install.
    Installed,
    /// Another file that the program has made its standard error.
    Replaced,
    /// A file of the program that has got a free number.
    Foreign,
    Closed,
}

impl Number2 {
    /// Returns what number 2 is now. Async-signal-safe.
    pub(crate) fn now() -> Self {
        Self::of(number_2())
    }

    /// Returns the same of `copy`, a duplicate of number 2.
    pub(crate) fn of(copy: BorrowedFd<'_>) -> Self {
        match Status::of(copy) {
            None => Self::Closed,
            Some(file) if file.is_installed() => Self::Installed,
            Some(file) if is_an_output(copy, file.mode) => Self::Replaced,
            Some(_) => Self::Foreign,
        }
    }

    /// Returns `true` if it is standard error.
    pub(crate) fn is_standard_error(self) -> bool {
        matches!(self, Self::Installed | Self::Replaced)
    }
}

/// Returns `true` if number 2 is a file of the program that has got a free number.
#[cfg(feature = "shutdown")]
pub(crate) fn is_foreign() -> bool {
    Number2::now() == Number2::Foreign
}

/// Writes `line` with one write(2), if standard error takes it at once. Returns
/// whether it did. Raises no signal. Async-signal-safe; preserves `errno`.
pub(crate) fn write_line(line: &[u8]) -> bool {
    let _errno = ErrnoGuard::save();
    if !Number2::now().is_standard_error() || !takes_bytes() {
        return false;
    }
    quiet_write::write(number_2(), line).is_ok_and(|written| written == line.len())
}

/// Descriptor 2, whatever it stands for.
pub(crate) fn number_2() -> BorrowedFd<'static> {
    // SAFETY: it is used for calls that refuse a number that is not open.
    unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) }
}

/// Returns `true` for a file that a program makes its standard error: a terminal, or a pipe
/// or a regular file that is open for writing alone; passed on to programs that it starts.
///
/// `dup2` and `freopen` leave the descriptor so. What `std` and other runtimes open by
/// itself is closed on exec, and a database is read too.
fn is_an_output(copy: BorrowedFd<'_>, mode: libc::mode_t) -> bool {
    // SAFETY: `F_GETFD` takes no further argument.
    let descriptor = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFD) };
    // SAFETY: nor does `F_GETFL`.
    let flags = unsafe { libc::fcntl(copy.as_raw_fd(), libc::F_GETFL) };
    if descriptor < 0 || descriptor & libc::FD_CLOEXEC != 0 || flags < 0 {
        return false;
    }
    match mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFIFO => flags & libc::O_ACCMODE == libc::O_WRONLY,
        // SAFETY: `isatty` takes an integer, and is a single ioctl(2).
        libc::S_IFCHR => unsafe { libc::isatty(copy.as_raw_fd()) == 1 },
        _ => false,
    }
}

/// Returns `true` if a write would not block now. Another writer may be faster.
fn takes_bytes() -> bool {
    let mut entry = libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: the pointer is to one entry, valid for reads and writes.
    let ready = unsafe { libc::poll(&raw mut entry, 1, 0) };
    if ready == -1 && is_limit_zero() {
        return never_waits(number_2());
    }
    ready == 1 && entry.revents & libc::POLLOUT != 0 && entry.revents & libc::POLLERR == 0
}

/// Returns `true` if poll(2), which has failed, takes no entry: the limit of open descriptors
/// is zero.
pub(crate) fn is_limit_zero() -> bool {
    io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}

/// Returns `true` for a descriptor to which a write does not wait for a reader: of a regular
/// file, or a non-blocking one.
pub(crate) fn never_waits(descriptor: BorrowedFd<'_>) -> bool {
    // SAFETY: `F_GETFL` takes no further argument.
    let flags = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GETFL) };
    let is_regular = |file: Status| file.mode & libc::S_IFMT == libc::S_IFREG;
    flags >= 0 && flags & libc::O_NONBLOCK != 0 || Status::of(descriptor).is_some_and(is_regular)
}

/// The identity of a file, and its kind.
#[derive(Clone, Copy)]
struct Status {
    device: u64,
    inode: u64,
    /// When it was made, in nanoseconds; 0 if the file system does not say. A file system
    /// gives the number of a file that is gone to the next one.
    created: u64,
    mode: libc::mode_t,
}

impl Status {
    const NONE: Self = Self {
        device: 0,
        inode: 0,
        created: 0,
        mode: 0,
    };

    #[cfg(target_os = "linux")]
    fn of(descriptor: BorrowedFd<'_>) -> Option<Self> {
        let mut status = MaybeUninit::<libc::statx>::zeroed();
        // A server of files is not asked.
        let flags = libc::AT_EMPTY_PATH | libc::AT_STATX_DONT_SYNC;
        // SAFETY: the path ends with zero; the last pointer is valid for writes of one
        // `statx`.
        let result = unsafe {
            libc::syscall(
                libc::SYS_statx,
                descriptor.as_raw_fd(),
                c"".as_ptr(),
                flags,
                libc::STATX_TYPE | libc::STATX_INO | libc::STATX_BTIME,
                status.as_mut_ptr(),
            )
        };
        if result != 0 {
            // Before Linux 4.11, and under filters as old as that.
            return Self::old(descriptor);
        }
        // SAFETY: zeroed, and now written; all fields are integers.
        let status = unsafe { status.assume_init() };
        let created = status.stx_btime;
        let seconds: u64 = widen(created.tv_sec);
        Some(Self {
            device: u64::from(status.stx_dev_major) << 32 | u64::from(status.stx_dev_minor),
            inode: status.stx_ino,
            created: seconds
                .wrapping_mul(1_000_000_000)
                .wrapping_add(created.tv_nsec.into()),
            mode: status.stx_mode.into(),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(descriptor: BorrowedFd<'_>) -> Option<Self> {
        Self::old(descriptor)
    }

    fn old(descriptor: BorrowedFd<'_>) -> Option<Self> {
        let mut status = MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: the pointer is valid for writes of one `stat`.
        if unsafe { libc::fstat(descriptor.as_raw_fd(), status.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: zeroed, and now written; all fields are integers.
        let status = unsafe { status.assume_init() };
        Some(Self {
            device: widen(status.st_dev),
            inode: widen(status.st_ino),
            created: 0,
            mode: status.st_mode,
        })
    }

    /// Returns `true` if it is the file of install.
    fn is_installed(&self) -> bool {
        (self.device, self.inode, self.created)
            == (
                DEVICE.load(Ordering::Acquire),
                INODE.load(Ordering::Acquire),
                CREATED.load(Ordering::Acquire),
            )
    }
}

/// These numbers have 32 bits, or a sign, on some systems.
fn widen(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or_default()
}
