//! Closes the server's listeners in a child of `fork`. The child inherits them, but no thread
//! that serves them: a peer would wait for an answer that never comes, and once the parent is
//! gone, its successor would find the port taken.
//!
//! # Orderings
//!
//! The child's only thread reads what the forking thread has seen; nothing more is passed
//! on. An entry's number is stored last.

use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

use super::{Listening, MAX_LISTENERS};
use crate::sys::{fork, listener};

static LISTENERS: [Inherited; MAX_LISTENERS] = [const { Inherited::nothing() }; MAX_LISTENERS];

/// Set once the fork handler is registered. A child inherits it.
static HAS_HANDLER: AtomicBool = AtomicBool::new(false);

/// A descriptor, and the socket that it stands for: a program may close it, and its number
/// may go to another file.
struct Inherited {
    number: AtomicI32,
    inode: AtomicU64,
}

impl Inherited {
    const fn nothing() -> Self {
        Self {
            number: AtomicI32::new(-1),
            inode: AtomicU64::new(0),
        }
    }
}

/// Makes children of `fork` close `listeners`.
pub(crate) fn close_in_children(listeners: &[Listening]) -> io::Result<()> {
    for (slot, listener) in LISTENERS.iter().zip(listeners) {
        let number = listener.socket.as_raw_fd();
        slot.inode
            .store(listener::inode(number).unwrap_or(0), Ordering::Relaxed);
        slot.number.store(number, Ordering::Release);
    }
    if !HAS_HANDLER.swap(true, Ordering::AcqRel) {
        fork::notify_child(close)?;
    }
    Ok(())
}

/// Closes the listeners in a child. Async-signal-safe.
extern "C" fn close() {
    for slot in &LISTENERS {
        let number = slot.number.swap(-1, Ordering::Acquire);
        let inode = slot.inode.load(Ordering::Relaxed);
        if number >= 0 && listener::inode(number) == Some(inode) {
            listener::close(number);
        }
    }
}
