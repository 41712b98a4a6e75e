//! The kernel's record of a thread's exit: perf's `PERF_RECORD_EXIT`, with the time.
//!
//! The library has no hook for a bench. So the bench attaches a software event that counts
//! nothing to the thread that will end the process, while that thread waits. The kernel writes
//! the record in `exit_group`, after it has told the other threads to end (since Linux 6.16 also
//! before it frees the memory): some ten microseconds *after* the call. The record is an upper
//! bound of the in-process lateness. Each run measures that difference with the C watchdog,
//! which has both the record and its own reading just before the call.
//!
//! Without permission (`perf_event_paranoid` above 2, a seccomp filter in a container) there is
//! no record, and no figure.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{ffi, ptr};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The event, and the buffer for the kernel's records.
#[derive(Debug)]
pub(crate) struct ExitRecord {
    _event: OwnedFd,
    buffer: *mut ffi::c_void,
    page: usize,
}

impl ExitRecord {
    /// Attaches the event to a thread. `None` if the kernel does not allow it.
    pub(crate) fn attach(tid: i32) -> Option<Self> {
        let attributes = Attributes {
            kind: SOFTWARE,
            size: size_of::<Attributes>() as u32,
            config: DUMMY,
            flags: EXCLUDE_KERNEL | TASK | USE_CLOCKID,
            clockid: libc::CLOCK_MONOTONIC,
            ..Attributes::default()
        };
        // SAFETY: the attributes are valid for reads of the size they name; the
        // other arguments are integers: on any core, in no group, close on exec.
        let event = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                tid,
                -1,
                -1,
                CLOSE_ON_EXEC,
            )
        };
        let event = i32::try_from(event).ok().filter(|&event| event >= 0)?;
        // SAFETY: just opened, and not used elsewhere.
        let event = unsafe { OwnedFd::from_raw_fd(event) };
        // SAFETY: takes an integer.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let buffer = unsafe {
            mmap(
                ptr::null_mut(),
                2 * page,
                access,
                MapFlags::SHARED,
                &event,
                0,
            )
        };
        Some(Self {
            _event: event,
            buffer: buffer.ok()?,
            page,
        })
    }

    /// Returns the time at which the thread exited, if it has.
    pub(crate) fn read(&self) -> Option<u64> {
        // SAFETY: within the first page, where the kernel keeps it.
        let head = unsafe { self.buffer.byte_add(HEAD) }.cast::<AtomicU64>();
        // SAFETY: aligned, mapped as long as `self`, and written atomically.
        let head = unsafe { &*head }.load(Ordering::Acquire) as usize;
        let mut at = 0;
        // A thread that starts no other has one record, its last; the page has room for many.
        while at + size_of::<Record>() <= head.min(self.page) {
            // SAFETY: within the second page.
            let record = unsafe { self.buffer.byte_add(self.page + at) }.cast::<Record>();
            // SAFETY: records begin at multiples of eight, the kernel has
            // written this one before it moved the head, and all its fields are
            // integers.
            let record = unsafe { record.read() };
            if record.kind == EXIT {
                return Some(record.time);
            }
            at += usize::from(record.size).max(8);
        }
        None
    }
}

impl Drop for ExitRecord {
    fn drop(&mut self) {
        // SAFETY: mapped with this length by `attach`, and used by `self` only.
        let _ = unsafe { munmap(self.buffer, 2 * self.page) };
    }
}

/// `struct perf_event_attr`, third version.
#[derive(Default)]
#[repr(C)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    config1: u64,
    config2: u64,
    branch_sample_type: u64,
    sample_regs_user: u64,
    sample_stack_user: u32,
    clockid: i32,
}

/// The header of an exit's record, and its fields.
#[repr(C)]
struct Record {
    kind: u32,
    _misc: u16,
    size: u16,
    _pids_and_tids: [u32; 4],
    time: u64,
}

const SOFTWARE: u32 = 1;
const DUMMY: u64 = 9;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const TASK: u64 = 1 << 13;
const USE_CLOCKID: u64 = 1 << 25;
const CLOSE_ON_EXEC: ffi::c_ulong = 1 << 3;
const EXIT: u32 = 4;
/// The offset of `data_head` in `struct perf_event_mmap_page`.
const HEAD: usize = 1024;
