//! Sockets that another process has too, and sockets that a waker will shut down.
//!
//! `shutdown(2)` stops a socket in each process that shares it. So a socket is in one of the two
//! sets at most.
//!
//! A server that is part of deadstop serves a shared listener in one process alone: in the old
//! one until a successor takes over.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::PerProcess;
use crate::lock::Mutex;

static SOCKETS: PerProcess<Mutex<Sockets>> = PerProcess::nothing();

#[derive(Default)]
struct Sockets {
    shared: HashSet<Identity>,
    woken: Vec<Identity>,
    served: Vec<(Identity, Arc<Served>)>,
}

/// A listener of a server that is part of deadstop.
#[derive(Debug)]
pub(crate) struct Served {
    was_shared: bool,
    is_handed_over: AtomicBool,
}

#[cfg_attr(
    not(feature = "health"),
    expect(dead_code, reason = "the health server is the only server")
)]
impl Served {
    /// Returns `true` if another process had the listener before this one.
    pub(crate) fn was_shared(&self) -> bool {
        self.was_shared
    }

    /// Returns `true` once a successor has taken over with the listener.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.is_handed_over.load(Ordering::Relaxed)
    }
}

/// The identity of a socket, the same for each of its descriptors: its device and its inode.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Identity(u64, u64);

impl Identity {
    pub(crate) fn of(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let metadata = File::from(socket.try_clone_to_owned()?).metadata()?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

/// A waker will shut the socket down, until this is dropped.
#[derive(Debug)]
pub(crate) struct Woken(Identity);

impl Drop for Woken {
    fn drop(&mut self) {
        let mut sockets = sockets().lock();
        let index = sockets.woken.iter().position(|woken| *woken == self.0);
        if let Some(index) = index {
            sockets.woken.swap_remove(index);
        }
    }
}

/// Notes that a waker will shut a socket down. `None` if another process has it too.
pub(crate) fn note_woken(socket: Identity) -> Option<Woken> {
    let mut sockets = sockets().lock();
    if sockets.shared.contains(&socket) {
        return None;
    }
    sockets.woken.push(socket);
    Some(Woken(socket))
}

/// Notes that another process has a socket too. Returns `false` if a waker will shut it down.
#[cfg(target_os = "linux")]
pub(crate) fn note_shared(socket: Identity) -> bool {
    let mut sockets = sockets().lock();
    let is_woken = sockets.woken.contains(&socket);
    if !is_woken {
        sockets.shared.insert(socket);
    }
    !is_woken
}

/// Notes that a server of deadstop serves a listener.
#[cfg_attr(
    not(feature = "health"),
    expect(dead_code, reason = "the health server is the only server")
)]
pub(crate) fn note_served(socket: Identity) -> Arc<Served> {
    let mut sockets = sockets().lock();
    let served = Arc::new(Served {
        was_shared: sockets.shared.contains(&socket),
        is_handed_over: AtomicBool::new(false),
    });
    sockets.served.push((socket, Arc::clone(&served)));
    served
}

/// Notes that a successor, which has these sockets, has taken over.
#[cfg(target_os = "linux")]
pub(crate) fn note_handed_over(passed: &[Identity]) {
    for (socket, served) in &sockets().lock().served {
        if passed.contains(socket) {
            served.is_handed_over.store(true, Ordering::Relaxed);
        }
    }
}

fn sockets() -> &'static Mutex<Sockets> {
    SOCKETS.get(Mutex::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_is_shared_or_woken_and_not_both() {
        let (one, two) = (Identity(7, 1), Identity(7, 2));
        let woken = note_woken(one).expect("no other process has it");
        assert!(!note_shared(one));
        assert!(note_shared(two));
        assert!(note_woken(two).is_none());
        drop(woken);
        assert!(note_shared(one));
    }
}
