//! Foreign code that is not a task, and the queue in which it waits for a task thread.

use std::collections::VecDeque;
use std::task::Waker;
use std::vec;

use crate::contain::contain;
use crate::coordinator::task_context::Body;

/// The queue of foreign calls. Nothing is called under the lock that protects it.
pub(super) struct ForeignCalls {
    queue: VecDeque<Queued>,
    returned: u64,
}

enum Queued {
    /// Wakers, called one by one: one that hangs leaves the others to another thread.
    Wake(vec::IntoIter<Waker>),
    Discard(Body),
}

/// A call of foreign code that is not a task.
pub(super) enum ForeignCall {
    /// Wakes a future that waits for a milestone.
    Wake(Waker),
    /// Drops the captures of a task that does not run.
    Discard(Body),
}

impl ForeignCalls {
    pub(super) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            returned: 0,
        }
    }

    pub(super) fn wake(&mut self, wakers: Vec<Waker>) {
        if !wakers.is_empty() {
            self.queue.push_back(Queued::Wake(wakers.into_iter()));
        }
    }

    pub(super) fn discard(&mut self, body: Body) {
        self.queue.push_back(Queued::Discard(body));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes the next call off the queue.
    pub(super) fn take(&mut self) -> Option<ForeignCall> {
        loop {
            match self.queue.front_mut()? {
                Queued::Wake(wakers) => match wakers.next() {
                    Some(waker) => return Some(ForeignCall::Wake(waker)),
                    None => drop(self.queue.pop_front()),
                },
                Queued::Discard(_) => match self.queue.pop_front()? {
                    Queued::Discard(body) => return Some(ForeignCall::Discard(body)),
                    Queued::Wake(_) => {}
                },
            }
        }
    }

    /// Notes that a call that was taken has returned.
    pub(super) fn note_returned(&mut self) {
        self.returned += 1;
    }

    /// Returns the number of calls that have returned.
    pub(super) fn returned(&self) -> u64 {
        self.returned
    }
}

impl ForeignCall {
    /// Calls it. A panic is caught and dropped.
    pub(super) fn run(self) {
        let _ = match self {
            Self::Wake(waker) => contain(|| waker.wake()),
            Self::Discard(body) => contain(|| drop(body)),
        };
    }
}
