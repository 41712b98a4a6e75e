//! `signalfd`, and the `read` or `readv` that returns a signal from it.
//!
//! Every `read` of the program comes through here. Until there is a signalfd for one of
//! our signals, that costs one load. Afterwards the bytes are looked at: only if they are
//! whole records, one of them of our signals, is the descriptor asked what it is. A copy of
//! the descriptor (`dup`, `fcntl`) is therefore heard as well.
//!
//! # Orderings
//!
//! `ANY` is set (`Release`) before `signalfd` returns the number.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

use deadstop_core::sys::ErrnoGuard;
use libc::{iovec, sigset_t, size_t, ssize_t};

use crate::cause::Trigger;
use crate::settings::SETTINGS;
use crate::sys::descriptor::is_signalfd;
use crate::sys::next::{Next, missing};
use crate::watch;

type SignalFd = unsafe extern "C" fn(c_int, *const sigset_t, c_int) -> c_int;
type Read = unsafe extern "C-unwind" fn(c_int, *mut c_void, size_t) -> ssize_t;
type ReadV = unsafe extern "C-unwind" fn(c_int, *const iovec, c_int) -> ssize_t;
#[cfg(target_env = "gnu")]
type ReadChecked = unsafe extern "C-unwind" fn(c_int, *mut c_void, size_t, size_t) -> ssize_t;

// SAFETY: the type of that function in the C library.
static SIGNALFD: Next<SignalFd> = unsafe { Next::new(c"signalfd") };
// SAFETY: the type of that function in the C library.
static READ: Next<Read> = unsafe { Next::new(c"read") };
// SAFETY: the type of that function in the C library.
static READV: Next<ReadV> = unsafe { Next::new(c"readv") };
#[cfg(target_env = "gnu")]
// SAFETY: the type of that function in the C library.
static READ_CHECKED: Next<ReadChecked> = unsafe { Next::new(c"__read_chk") };

/// Set once the program had a signalfd for one of our signals.
static ANY: AtomicBool = AtomicBool::new(false);

/// The record that a signalfd returns for each signal.
type Record = libc::signalfd_siginfo;

pub(super) fn look_up() {
    SIGNALFD.look_up();
    READ.look_up();
    READV.look_up();
    #[cfg(target_env = "gnu")]
    READ_CHECKED.look_up();
}

/// Linux's `signalfd`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn signalfd(descriptor: c_int, set: *const sigset_t, flags: c_int) -> c_int {
    let Some(real) = SIGNALFD.function() else {
        return missing();
    };
    // SAFETY: the caller's contract.
    let made = unsafe { real(descriptor, set, flags) };
    // SAFETY: the set is valid, since the kernel has read it.
    let is_heard = made >= 0
        && SETTINGS
            .signals()
            .numbers()
            .any(|signal| unsafe { libc::sigismember(set, signal) == 1 });
    if is_heard {
        ANY.store(true, Ordering::Release);
    }
    made
}

/// Arms if the first `len` bytes of the buffers are records of a signalfd, and one of them
/// is of our signals.
unsafe fn heard(descriptor: c_int, buffers: &[iovec], len: ssize_t) {
    let len = usize::try_from(len).unwrap_or(0);
    if len == 0 || len.checked_rem(size_of::<Record>()) != Some(0) {
        return;
    }
    let mut bytes = Bytes { buffers, used: 0 };
    let mut rest = len;
    while rest > 0 {
        rest = rest.saturating_sub(size_of::<Record>());
        // SAFETY: the C library has written as many bytes to the buffers.
        let Some(record) = (unsafe { bytes.record() }) else {
            return;
        };
        let (Ok(signal), Ok(pid)) = (
            c_int::try_from(record.ssi_signo),
            c_int::try_from(record.ssi_pid),
        ) else {
            return;
        };
        // These bytes are of another file.
        if !(1..=64).contains(&signal) {
            return;
        }
        if SETTINGS.hears(signal) {
            let _errno = ErrnoGuard::save();
            if is_signalfd(descriptor) {
                let sender = (pid != 0).then_some((pid, record.ssi_uid));
                watch::arm(Trigger::Signal(signal, sender));
            }
            return;
        }
    }
}

/// The bytes of a row of buffers.
struct Bytes<'a> {
    buffers: &'a [iovec],
    /// The bytes of the first buffer that have been returned.
    used: usize,
}

impl Bytes<'_> {
    /// Returns the next record; `None` if the buffers end before.
    ///
    /// # Safety
    ///
    /// The bytes of the record are valid for reads.
    unsafe fn record(&mut self) -> Option<Record> {
        let mut record = MaybeUninit::<Record>::zeroed();
        let mut done = 0_usize;
        while done < size_of::<Record>() {
            let (first, others) = self.buffers.split_first()?;
            let wanted = size_of::<Record>().saturating_sub(done);
            let part = first.iov_len.saturating_sub(self.used).min(wanted);
            if part == 0 {
                self.buffers = others;
                self.used = 0;
                continue;
            }
            let from = first.iov_base.cast::<u8>().wrapping_add(self.used);
            let to = record.as_mut_ptr().cast::<u8>().wrapping_add(done);
            // SAFETY: `from` by the contract, `to` is within the record.
            unsafe { core::ptr::copy_nonoverlapping(from, to, part) };
            done = done.saturating_add(part);
            self.used = self.used.saturating_add(part);
        }
        // SAFETY: all its fields are integers, and all bytes are written.
        Some(unsafe { record.assume_init() })
    }
}

/// POSIX's `read`. It is a cancellation point.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn read(descriptor: c_int, buffer: *mut c_void, len: size_t) -> ssize_t {
    let Some(real) = READ.function() else {
        return missing();
    };
    if !ANY.load(Ordering::Relaxed) {
        // SAFETY: the caller's contract.
        return unsafe { real(descriptor, buffer, len) };
    }
    // SAFETY: the caller's contract.
    let result = unsafe { real(descriptor, buffer, len) };
    let buffer = iovec {
        iov_base: buffer,
        iov_len: len,
    };
    // SAFETY: the C library has written as many bytes.
    unsafe { heard(descriptor, &[buffer], result) };
    result
}

/// POSIX's `readv`. It is a cancellation point.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn readv(
    descriptor: c_int,
    buffers: *const iovec,
    count: c_int,
) -> ssize_t {
    let Some(real) = READV.function() else {
        return missing();
    };
    // SAFETY: the caller's contract.
    let result = unsafe { real(descriptor, buffers, count) };
    if result > 0 && ANY.load(Ordering::Acquire) {
        let count = usize::try_from(count).unwrap_or(0);
        // SAFETY: the kernel has read as many entries.
        let buffers = unsafe { core::slice::from_raw_parts(buffers, count) };
        // SAFETY: the C library has written as many bytes.
        unsafe { heard(descriptor, buffers, result) };
    }
    result
}

/// `read`, in programs that glibc checks for overflows.
#[cfg(target_env = "gnu")]
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn __read_chk(
    descriptor: c_int,
    buffer: *mut c_void,
    len: size_t,
    size: size_t,
) -> ssize_t {
    if len <= size {
        // SAFETY: the caller's contract.
        return unsafe { read(descriptor, buffer, len) };
    }
    let Some(real) = READ_CHECKED.function() else {
        deadstop_core::sys::end_by_signal(libc::SIGABRT);
    };
    // SAFETY: the caller's contract.
    unsafe { real(descriptor, buffer, len, size) }
}
