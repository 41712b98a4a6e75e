//! The number of a child process that is being started, from the child itself.
//!
//! Between `fork` and the return of the spawning call the parent does not know the child's
//! number, and the child may run its program already. So the child writes its number to
//! memory that the two share, before it runs the program.
//!
//! # Orderings
//!
//! The child writes its number and then looks whether the list is closed; the process that
//! ends closes it and then looks for a number, each with a `SeqCst` fence between. So either
//! the child is found, or it learns that it must not run its program.

use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, Ordering, fence};

use crate::sys::KillTarget;

/// The length of the mapping, which the kernel rounds up to a page.
const LEN: usize = 4096;

/// The memory that the two processes share. All zeroes are valid.
#[derive(Debug)]
#[repr(C)]
struct Page {
    pid: AtomicI32,
    is_closed: AtomicU32,
}

/// The child process that is being started; there is one at a time.
///
/// [`kill`](Self::kill) and [`reset_after_fork`](Self::reset_after_fork) are
/// async-signal-safe.
#[derive(Debug)]
pub struct Newborn(AtomicPtr<Page>);

impl Newborn {
    /// Creates a value without shared memory.
    pub const fn absent() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Maps the memory, once. Without it nothing is announced. For one thread at a time.
    pub fn prepare(&self) {
        if self.page().is_none() {
            self.0.store(map(), Ordering::Release);
        }
    }

    /// Returns what the child announces itself by, to be made before `fork`.
    pub fn announcer(&self) -> NewbornAnnouncer {
        NewbornAnnouncer(self.page())
    }

    /// Forgets the child, which is listed elsewhere now, or does not run.
    pub fn clear(&self) {
        if let Some(page) = self.page() {
            page.pid.store(0, Ordering::Release);
        }
    }

    /// Kills the child and its group if one is being started, and lets no other begin.
    pub fn kill(&self) {
        let Some(page) = self.page() else {
            return;
        };
        page.is_closed.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let pid: c_int = page.pid.load(Ordering::Relaxed);
        if pid > 1 {
            let target = KillTarget {
                pid,
                pidfd: None,
                inode: 0,
                kills_group: true,
            };
            target.kill();
        }
    }

    /// Forgets the memory, which a child of `fork` shares with its parent.
    pub fn reset_after_fork(&self) {
        self.0.store(ptr::null_mut(), Ordering::Release);
    }

    fn page(&self) -> Option<&'static Page> {
        // SAFETY: null, or a mapping that is never removed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
}

/// Writes to the memory in which a child announces itself.
#[derive(Clone, Copy, Debug)]
pub struct NewbornAnnouncer(Option<&'static Page>);

impl NewbornAnnouncer {
    /// Announces the calling process, which leads a process group. Returns `false` if its
    /// parent is about to end: it must end too. Async-signal-safe.
    pub fn announce(self) -> bool {
        let Some(page) = self.0 else {
            return true;
        };
        page.pid.store(super::process::pid(), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        page.is_closed.load(Ordering::Relaxed) == 0
    }
}

/// Maps memory that a child shares; null if the kernel has none.
fn map() -> *mut Page {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping anywhere.
    let page = unsafe { libc::mmap(ptr::null_mut(), LEN, protection, flags, -1, 0) };
    match page {
        libc::MAP_FAILED => ptr::null_mut(),
        page => page.cast(),
    }
}
