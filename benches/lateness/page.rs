//! A page of memory that the bench shares with its victim, by descriptor.
//!
//! The page outlives the victim, so a reading of the clock just before the end is not lost. The
//! fields are in the same order in `victims/bare.c`, which has only the first ones. Times are
//! nanoseconds of `CLOCK_MONOTONIC`, which processes share; zero means not yet.

use std::os::fd::{AsFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::time::{ClockId, clock_gettime};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Page {
    /// The thread that will end the victim, if another thread can look it up.
    pub(crate) ender: Word,
    /// The scheduling policy of that thread, plus one.
    pub(crate) policy: Word,
    /// The victim's own load runs.
    pub(crate) ready: Word,
    /// The load outside the victim runs.
    pub(crate) loaded: Word,
    /// The time at which the victim must end; for one that awaits a signal, at which it began to.
    pub(crate) deadline: Word,
    /// The time just before the victim ended itself.
    pub(crate) ended: Word,
    /// The time at which its shutdown had begun, or its code first ran after the signal.
    pub(crate) armed: Word,
    /// The system calls of `deadstop-report` and `deadstop-log` shortly before the deadline, plus
    /// one.
    pub(crate) reporter: Word,
    pub(crate) logger: Word,
    /// The bytes of the message that were written by then.
    pub(crate) message: Word,
    /// The constants of this machine for the victim, in the order of `Measured`. They stay from
    /// sample to sample.
    pub(crate) teardown: [Word; 5],
}

/// A field of the page.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Word(AtomicU64);

impl Word {
    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Acquire)).filter(|&word| word != 0)
    }

    pub(crate) fn set(&self, word: u64) {
        self.0.store(word, Ordering::Release);
    }

    pub(crate) fn stamp(&self) {
        self.set(now());
    }
}

impl Page {
    /// A new page, and the descriptor to pass on. Children inherit it.
    pub(crate) fn create() -> (&'static Self, OwnedFd) {
        let memory = memfd_create("page", MemfdFlags::empty()).unwrap();
        ftruncate(&memory, size_of::<Self>() as u64).unwrap();
        (Self::map(&memory), memory)
    }

    /// Maps the page of a descriptor, for the rest of the process's life.
    pub(crate) fn map(memory: impl AsFd) -> &'static Self {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice; it
        // replaces none.
        let page = unsafe {
            mmap(
                ptr::null_mut(),
                size_of::<Self>(),
                access,
                MapFlags::SHARED,
                memory,
                0,
            )
        };
        let page = page.unwrap().cast::<Self>();
        // SAFETY: mapped just now for reading and writing, page-aligned, as long
        // as a `Page`, never unmapped; every value of it is valid, and it is
        // reached through atomics only.
        unsafe { &*page }
    }

    pub(crate) fn clear(&self) {
        let words = [
            &self.ender,
            &self.policy,
            &self.ready,
            &self.loaded,
            &self.deadline,
            &self.ended,
            &self.armed,
            &self.reporter,
            &self.logger,
            &self.message,
        ];
        for word in words {
            word.set(0);
        }
    }
}

/// Reads `CLOCK_MONOTONIC`.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
