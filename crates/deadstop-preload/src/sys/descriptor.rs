//! Descriptors, by bare system calls: this library's own `read` must not be called, and
//! the C library's may be replaced by another preloaded library.

use core::ffi::{CStr, c_int, c_long};
use core::mem::MaybeUninit;

use deadstop_core::buffer::TextBuffer;

use super::quiet::quietly;

/// The reason why a file is not opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// The kernel's error.
    Error(c_int),
    /// A pipe, a device or a socket: a write to it may wait for its reader.
    NotRegular,
    /// A file of another user.
    NotOwn,
}

/// Opens a regular file to add to it, close-on-exec; makes it if there is none. Does not
/// follow a symbolic link, and does not wait. The caller owns the descriptor.
pub(crate) fn open_to_add(path: &CStr) -> Result<c_int, Refused> {
    let flags = libc::O_WRONLY
        | libc::O_CREAT
        | libc::O_APPEND
        | libc::O_CLOEXEC
        | libc::O_NOCTTY
        | libc::O_NOFOLLOW
        // A FIFO without a reader would block here for good.
        | libc::O_NONBLOCK;
    let mode: c_int = 0o644;
    // SAFETY: the path ends with zero.
    let opened =
        unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, mode) };
    let opened = number(opened).ok_or_else(|| Refused::Error(errno()))?;
    match status(opened).is_some_and(|status| is_regular(&status)) {
        true => Ok(opened),
        false => {
            close(opened);
            Err(Refused::NotRegular)
        }
    }
}

/// Opens a regular file of the process's user, or of root, to read it, close-on-exec. Does
/// not follow a symbolic link, and does not wait. The caller owns the descriptor.
pub(crate) fn open_own(path: &CStr) -> Result<c_int, Refused> {
    let opened = open(path, libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK)?;
    // SAFETY: no precondition.
    let user = unsafe { libc::geteuid() };
    let refused = match status(opened) {
        Some(status) if !is_regular(&status) => Refused::NotRegular,
        Some(status) if [user, 0].contains(&status.st_uid) => return Ok(opened),
        _ => Refused::NotOwn,
    };
    close(opened);
    Err(refused)
}

/// Opens this process's own memory, to read what may not be mapped. The caller owns the
/// descriptor.
pub(crate) fn open_memory() -> Option<c_int> {
    open(c"/proc/self/mem", libc::O_RDONLY).ok()
}

/// Returns `false` if the limit of open descriptors is reached.
pub(crate) fn is_one_left() -> bool {
    match open(c"/", libc::O_PATH) {
        Ok(opened) => {
            close(opened);
            true
        }
        Err(refused) => refused != Refused::Error(libc::EMFILE),
    }
}

fn open(path: &CStr, flags: c_int) -> Result<c_int, Refused> {
    let flags = flags | libc::O_CLOEXEC | libc::O_NOCTTY;
    // SAFETY: the path ends with zero. Nothing is created, so no mode is read.
    let opened = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags) };
    number(opened).ok_or_else(|| Refused::Error(errno()))
}

/// Reads into `buffer`, and returns how many bytes: 0 at the end, and if it fails.
pub(crate) fn read(descriptor: c_int, buffer: &mut [u8]) -> usize {
    // SAFETY: the pointer is valid for writes of the length given.
    let read = unsafe {
        libc::syscall(
            libc::SYS_read,
            descriptor,
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    };
    usize::try_from(read).unwrap_or(0)
}

/// Reads two words at `address` of the memory that [`open_memory`] has opened.
/// Async-signal-safe; it cannot fault.
pub(crate) fn two_words(memory: c_int, address: usize) -> Option<[usize; 2]> {
    let mut words = [0_usize; 2];
    let length = size_of_val(&words);
    let offset = libc::off_t::try_from(address).ok()?;
    // SAFETY: the pointer is valid for writes of the length given.
    let read = unsafe {
        libc::syscall(
            libc::SYS_pread64,
            memory,
            words.as_mut_ptr(),
            length,
            offset,
        )
    };
    (usize::try_from(read) == Ok(length)).then_some(words)
}

fn errno() -> c_int {
    // SAFETY: no precondition; it returns the address of the thread's own `errno`.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the address is valid for as long as the thread lives.
    unsafe { errno.read() }
}

fn is_regular(status: &libc::stat) -> bool {
    status.st_mode & libc::S_IFMT == libc::S_IFREG
}

/// Opens a directory, close-on-exec. The caller owns the descriptor.
pub(crate) fn open_directory(path: &CStr) -> Option<c_int> {
    open(path, libc::O_RDONLY | libc::O_DIRECTORY).ok()
}

fn number(opened: c_long) -> Option<c_int> {
    c_int::try_from(opened).ok().filter(|number| *number >= 0)
}

/// Closes a descriptor that the caller owns.
pub(crate) fn close(number: c_int) {
    // SAFETY: one integer; by the contract no other code uses the number.
    unsafe { libc::syscall(libc::SYS_close, number) };
}

/// Writes all of `text`. May block. The calling thread gets no signal for an error.
pub(crate) fn write_all(descriptor: c_int, text: &[u8]) {
    quietly(|| write_rest(descriptor, text));
}

fn write_rest(descriptor: c_int, text: &[u8]) {
    let mut rest = text;
    // Each attempt writes something, unless a signal or a full pipe that does not
    // block is in the way.
    let mut attempts = 0_u32;
    while !rest.is_empty() && attempts < 1000 {
        // SAFETY: the pointer is valid for reads of the length given.
        let written =
            unsafe { libc::syscall(libc::SYS_write, descriptor, rest.as_ptr(), rest.len()) };
        match usize::try_from(written) {
            Ok(written @ 1..) => rest = rest.get(written..).unwrap_or(&[]),
            _ => {
                attempts = attempts.saturating_add(1);
                wait_writable(descriptor);
            }
        }
    }
}

/// Waits up to 10 ms for the reader of a pipe.
fn wait_writable(descriptor: c_int) {
    let mut entry = libc::pollfd {
        fd: descriptor,
        events: libc::POLLOUT,
        revents: 0,
    };
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 10_000_000,
    };
    // SAFETY: the pointers are valid, the first for one entry; a null mask changes
    // nothing.
    unsafe {
        libc::syscall(
            libc::SYS_ppoll,
            &raw mut entry,
            1_usize,
            &raw const time,
            core::ptr::null::<libc::sigset_t>(),
            0_usize,
        )
    };
}

/// The identity of an open file. Zeroes if the descriptor is closed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Identity(pub(crate) u64, pub(crate) u64);

/// Returns the file that a descriptor is of.
pub(crate) fn identity(descriptor: c_int) -> Identity {
    status(descriptor).map_or(Identity::default(), |status| {
        Identity(status.st_dev, status.st_ino)
    })
}

/// Returns `true` for a file that a program may have made its standard error, and that text
/// cannot destroy: a pipe, a character device, or a file that is only added to; passed on to
/// programs that it starts. A socket is a connection, whose protocol has no such text.
pub(crate) fn is_an_output(descriptor: c_int) -> bool {
    let Some(status) = status(descriptor) else {
        return false;
    };
    // SAFETY: fcntl(2) with two integers.
    let own = unsafe { libc::syscall(libc::SYS_fcntl, descriptor, libc::F_GETFD) };
    // SAFETY: the same.
    let flags = unsafe { libc::syscall(libc::SYS_fcntl, descriptor, libc::F_GETFL) };
    if own < 0 || own & c_long::from(libc::FD_CLOEXEC) != 0 || flags < 0 {
        return false;
    }
    match status.st_mode & libc::S_IFMT {
        libc::S_IFIFO | libc::S_IFCHR => true,
        libc::S_IFREG => flags & c_long::from(libc::O_APPEND) != 0,
        _ => false,
    }
}

fn status(descriptor: c_int) -> Option<libc::stat> {
    let mut status = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the pointer is valid for writes; on both processors that the library is for,
    // the kernel's type is libc's.
    match unsafe { libc::syscall(libc::SYS_fstat, descriptor, status.as_mut_ptr()) } {
        // SAFETY: zeroed, and now written; all its fields are integers.
        0 => Some(unsafe { status.assume_init() }),
        _ => None,
    }
}

/// Returns `true` if the descriptor is a signalfd.
pub(crate) fn is_signalfd(descriptor: c_int) -> bool {
    let Ok(number) = u64::try_from(descriptor) else {
        return false;
    };
    let mut path = TextBuffer::<48>::new();
    path.text("/proc/self/fd/").number(number).text("\0");
    let path = CStr::from_bytes_with_nul(path.as_bytes()).unwrap_or(c"");
    link(path, &mut [0; 64]) == Some(b"anon_inode:[signalfd]")
}

/// Returns `true` if `/proc` has the numbers of this process's namespace. Another one
/// has other processes under the same numbers.
pub(crate) fn proc_is_own() -> bool {
    let mut own = TextBuffer::<16>::new();
    own.int(deadstop_core::pid());
    link(c"/proc/self", &mut [0; 64]) == Some(own.as_bytes())
}

fn link<'a>(path: &CStr, buffer: &'a mut [u8; 64]) -> Option<&'a [u8]> {
    // SAFETY: the path ends with zero; the second pointer is valid for writes of the
    // length given.
    let len = unsafe {
        libc::syscall(
            libc::SYS_readlinkat,
            libc::AT_FDCWD,
            path.as_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    };
    buffer.get(..usize::try_from(len).ok()?)
}
