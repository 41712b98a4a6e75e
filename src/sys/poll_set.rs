//! Waiting for a fixed set of descriptors, without allocating.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// The thread's sleep after the system has refused to wait.
static AFTER_REFUSAL: libc::timespec = libc::timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

/// Up to `N` descriptors to wait for.
pub(crate) struct PollSet<const N: usize> {
    entries: [libc::pollfd; N],
    len: usize,
}

impl<const N: usize> PollSet<N> {
    pub(crate) const fn new() -> Self {
        let unused = libc::pollfd {
            fd: -1,
            events: 0,
            revents: 0,
        };
        Self {
            entries: [unused; N],
            len: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Returns the number of descriptors.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a descriptor to wait for until it can be read, if there is room for it. It must
    /// stay open until [`wait`](Self::wait) has returned; a closed one would only be
    /// reported as ready. Returns its index.
    pub(crate) fn add(&mut self, descriptor: BorrowedFd<'_>) -> usize {
        self.add_for(descriptor, libc::POLLIN)
    }

    /// Like [`add`](Self::add), until it can be written.
    pub(crate) fn add_writable(&mut self, descriptor: BorrowedFd<'_>) -> usize {
        self.add_for(descriptor, libc::POLLOUT)
    }

    fn add_for(&mut self, descriptor: BorrowedFd<'_>, events: i16) -> usize {
        let index = self.len;
        if let Some(entry) = self.entries.get_mut(index) {
            *entry = libc::pollfd {
                fd: descriptor.as_raw_fd(),
                events,
                revents: 0,
            };
            self.len += 1;
        }
        index
    }

    /// Returns `true` if the descriptor with this index was ready, or failed.
    pub(crate) fn is_ready(&self, index: usize) -> bool {
        let entries = self.entries.get(..self.len).unwrap_or(&[]);
        entries.get(index).is_some_and(|entry| entry.revents != 0)
    }

    /// Blocks until a descriptor is ready, a signal arrives, or `timeout` is over, which
    /// is rounded up to milliseconds. `None` is no timeout.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) {
        for entry in self.entries.iter_mut().take(self.len) {
            entry.revents = 0;
        }
        let timeout = timeout.map_or(-1, |timeout| {
            i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        // SAFETY: the first `len` of the entries are valid for reads and writes.
        let ready =
            unsafe { libc::poll(self.entries.as_mut_ptr(), self.len as libc::nfds_t, timeout) };
        if ready < 0 {
            self.cannot_wait();
        }
    }

    /// The system refuses to wait: the limit of open descriptors is lower than the number
    /// of entries, there is no memory, or a filter refuses the call. Everything counts as
    /// ready then, and the thread must not spin.
    fn cannot_wait(&mut self) {
        for entry in self.entries.iter_mut().take(self.len) {
            entry.revents = entry.events;
        }
        let rest = std::ptr::null_mut();
        // SAFETY: the first pointer is valid for reads, and the second may be null.
        unsafe { libc::nanosleep(&raw const AFTER_REFUSAL, rest) };
    }
}
