//! `deadstop-names`, which finds out what functions are called.
//!
//! It allocates, locks and reads files, so it may hang over it for good: the
//! allocator is dead, or a library's file is on a disk that is. The reporter
//! waits for it no longer than there is time. While it hangs, stacks have
//! addresses and no names, and nothing else is lost.
//!
//! # Orderings
//!
//! The paper is the thread's while `is_asked`, and the reporter's else. Whoever
//! gives it away has let go of its lock before, by a `Release`, and the other sees
//! that by an `Acquire`: so the lock is always free, and it is there because the
//! compiler does not know that. Were one of the two weaker, the lock might seem
//! to be taken still, and a stack be left without names for once. loom cannot show
//! that: its locks are free for everybody at the moment that they are let go of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::names::Names;
use crate::error::InstallError;
use crate::installation::{self, WATCH};
use crate::kill_path::{self, EventCount, Nanos, Stack};

/// Names are looked up by code that is not ours, and in a debug build it takes
/// much.
const STACK: usize = 2 * 1024 * 1024;

/// The thread, for the one who asks it. Dropped only by an `install` that failed
/// later, and by tests.
pub(super) struct Namer(Arc<Desk>);

struct Desk {
    /// The stack in question.
    paper: Mutex<Stack>,
    is_asked: AtomicBool,
    is_retired: AtomicBool,
    /// Advanced when there is something for it to look at.
    asked: EventCount,
}

impl Namer {
    pub(super) fn start() -> Result<Self, InstallError> {
        let desk = Arc::new(Desk {
            paper: Mutex::new(Stack::empty()),
            is_asked: AtomicBool::new(false),
            is_retired: AtomicBool::new(false),
            asked: EventCount::new(),
        });
        let its = Arc::clone(&desk);
        installation::spawn_of("deadstop-names", STACK, move || its.live())?;
        Ok(Self(desk))
    }

    /// Has the names of `stack` filled in, if that is done before `until`, which
    /// is asked again whenever the deadline changes. Allocates nothing and waits
    /// for no lock.
    pub(super) fn look_up(&self, stack: &mut Stack, until: impl Fn() -> Nanos) {
        let desk = &*self.0;
        if desk.is_asked() || !desk.lend(stack) {
            // It hangs over an earlier one.
            return;
        }
        let deadline = WATCH.deadline();
        loop {
            let seen = deadline.changes();
            if !desk.is_asked() {
                break;
            }
            let until = until();
            if until <= kill_path::now() {
                return;
            }
            deadline.wait_change(seen, Some(until));
        }
        if let Ok(paper) = desk.paper.try_lock() {
            stack.clone_from(&paper);
        }
    }
}

impl Drop for Namer {
    fn drop(&mut self) {
        self.0.is_retired.store(true, Ordering::Release);
        self.0.asked.advance();
    }
}

impl Desk {
    fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Acquire)
    }

    /// Gives it a copy of `stack`, and says whether it could.
    fn lend(&self, stack: &Stack) -> bool {
        let Ok(mut paper) = self.paper.try_lock() else {
            return false;
        };
        paper.clone_from(stack);
        drop(paper);
        self.is_asked.store(true, Ordering::Release);
        self.asked.advance();
        true
    }

    /// The thread's life. It is as prompt as the reporter, which waits for it.
    fn live(&self) {
        let mut names = Names::none();
        loop {
            let seen = self.asked.read();
            if self.is_retired.load(Ordering::Acquire) {
                return;
            }
            if !self.is_asked() {
                self.asked.wait_past(seen, None);
                continue;
            }
            if let Ok(mut paper) = self.paper.lock() {
                names.look_up(&mut paper);
            }
            self.is_asked.store(false, Ordering::Release);
            // The reporter waits for the deadline to change, or for this.
            WATCH.nudge();
        }
    }
}
