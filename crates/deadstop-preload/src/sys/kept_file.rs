//! A small file in memory that stays open across `exec`.

use core::ffi::c_int;
use core::mem::size_of;

use super::quiet::quietly;

/// The number of its descriptor: one that programs with few descriptors do not have. It is
/// below 64, the length of the kernel's first table: to grow a table that threads share, the
/// kernel waits for an RCU grace period, which was seen to take 0.8 s. Bash has those from
/// 63 down for itself.
const NUMBER: c_int = 40;

/// The words of the file.
pub(crate) const WORDS: usize = 8;

/// Makes the file. Does nothing where the number is taken, a filter refuses the call, or
/// `RLIMIT_FSIZE` the write.
/// Async-signal-safe.
pub(crate) fn make(words: &[u64; WORDS]) {
    // SAFETY: integers.
    if unsafe { libc::syscall(libc::SYS_fcntl, NUMBER, libc::F_GETFD) } >= 0 {
        return;
    }
    let flags: c_int = 0;
    // SAFETY: the name ends with zero.
    let file = unsafe { libc::syscall(libc::SYS_memfd_create, c"deadstop".as_ptr(), flags) };
    if file < 0 {
        return;
    }
    let length = size_of::<[u64; WORDS]>();
    // SAFETY: the pointer is valid for reads of the length given.
    let write = || unsafe { libc::syscall(libc::SYS_write, file, words.as_ptr(), length) };
    let copy = match usize::try_from(quietly(write)) == Ok(length) {
        // SAFETY: integers.
        true => unsafe { libc::syscall(libc::SYS_fcntl, file, libc::F_DUPFD, NUMBER) },
        false => -1,
    };
    // SAFETY: the descriptor was made above, and is not used below.
    unsafe { libc::syscall(libc::SYS_close, file) };
    // Another thread has just taken it: the next program would not find the file.
    if copy > NUMBER.into() {
        // SAFETY: as above.
        unsafe { libc::syscall(libc::SYS_close, copy) };
    }
}

/// Reads what may be the file.
pub(crate) fn read() -> Option<[u64; WORDS]> {
    let mut words = [0; WORDS];
    let length = size_of::<[u64; WORDS]>();
    let start: libc::off_t = 0;
    // SAFETY: the pointer is valid for writes of the length given. The position of the
    // descriptor, which may be another file's, does not change.
    let read =
        unsafe { libc::syscall(libc::SYS_pread64, NUMBER, words.as_mut_ptr(), length, start) };
    (usize::try_from(read) == Ok(length)).then_some(words)
}

/// Closes the file. Only if [`read`] has found it.
pub(crate) fn close() {
    // SAFETY: an integer.
    unsafe { libc::syscall(libc::SYS_close, NUMBER) };
}
