//! State shared by the handles and `deadstop-health`.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};

use deadstop_core::EventCount;

use super::beat::Beats;
use crate::process::WATCH;
use crate::{Shutdown, process};

/// The state that the handles and `deadstop-health` share. Never freed.
pub(super) struct State {
    pub(super) shutdown: Shutdown,
    pub(super) beats: Beats,
    /// Advanced by each finding about a heartbeat.
    pub(super) findings: EventCount,
    /// The end of a pair of sockets that wakes `deadstop-health`.
    wake: UnixStream,
    /// Stands for the process; a child of `fork` has another.
    generation: AtomicU32,
}

impl State {
    /// Returns the state, and the socket that becomes readable by [`wake`](Self::wake).
    pub(super) fn new(shutdown: Shutdown) -> io::Result<(Self, UnixStream)> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let state = Self {
            shutdown,
            beats: Beats::new(),
            findings: EventCount::new(),
            wake,
            generation: AtomicU32::new(process::generation()),
        };
        Ok((state, woken))
    }

    /// Returns `true` in the process that made the state, `false` in a child of `fork`.
    pub(super) fn is_own(&self) -> bool {
        WATCH.is_owner() && self.generation.load(Ordering::Relaxed) == process::generation()
    }

    /// Wakes `deadstop-health`. Does not block: a full socket wakes it as well.
    pub(super) fn wake(&self) {
        let _ = (&self.wake).write(&[1]);
    }
}
