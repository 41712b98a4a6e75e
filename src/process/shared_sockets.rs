//! Sockets that another process has too, and sockets that a waker will shut down.
//!
//! `shutdown(2)` stops a socket in each process that shares it. So a socket is in one of the two
//! sets at most.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;

use super::PerProcess;
use crate::lock::Mutex;

static SOCKETS: PerProcess<Mutex<Sockets>> = PerProcess::nothing();

#[derive(Default)]
struct Sockets {
    shared: HashSet<Identity>,
    woken: Vec<Identity>,
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
