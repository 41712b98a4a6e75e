//! The result of a job that returns something: shared by the job in the queue, which runs or
//! cancels, and its handle, which waits.
//!
//! ```text
//! Queued ──start──▶ Running ──▶ Ready(result) ──join──▶ Taken
//!    │                 ╰─panic──▶ Ready(Panicked)
//!    ╰─cancel, drop──▶ Ready(Cancelled)
//! ```

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::error::{JobError, Lost};
use super::handle::{Await, JobHandle};
use super::{PANICKED, RunOnce, Work};
use crate::contain::contain;
use crate::lock::{Condvar, Mutex};
use crate::process;

/// Makes a job that returns something, and the handle that waits for it.
pub(crate) fn with_handle<F, T>(name: Option<Arc<str>>, run: F) -> (Work, JobHandle<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let job = Arc::new(SharedJob {
        state: Mutex::new(State::Queued(run)),
        ended: Condvar::new(),
        waker: Mutex::new(None),
        name,
    });
    let work = Work::new(Box::new(CancelOnDrop(Arc::clone(&job))));
    let handle = JobHandle {
        result: job,
        generation: process::generation(),
    };
    (work, handle)
}

/// The job in the queue. Dropping it cancels the job, unless it has run.
struct CancelOnDrop<F, T>(Arc<SharedJob<F, T>>);

impl<F, T> RunOnce for CancelOnDrop<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(self: Box<Self>) {
        self.0.run();
    }

    fn name(&self) -> Option<Arc<str>> {
        self.0.name.clone()
    }
}

impl<F, T> Drop for CancelOnDrop<F, T> {
    fn drop(&mut self) {
        self.0.cancel_queued();
    }
}

struct SharedJob<F, T> {
    state: Mutex<State<F, T>>,
    /// Notified when the state is `Ready`.
    ended: Condvar,
    /// The future that waits.
    waker: Mutex<Option<Waker>>,
    name: Option<Arc<str>>,
}

enum State<F, T> {
    Queued(F),
    Running,
    Ready(Result<T, Lost>),
    Taken,
}

impl<F, T> State<F, T> {
    fn is_finished(&self) -> bool {
        matches!(self, Self::Ready(_) | Self::Taken)
    }

    fn take(&mut self) -> Option<Result<T, JobError>> {
        match std::mem::replace(self, Self::Taken) {
            Self::Ready(result) => Some(result.map_err(JobError::from)),
            Self::Taken => Some(Err(JobError::Cancelled)),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl<F, T> SharedJob<F, T> {
    fn end(&self, result: Result<T, Lost>) {
        *self.state.lock() = State::Ready(result);
        self.wake();
    }

    fn wake(&self) {
        self.ended.notify_all();
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            // The application's code.
            let _ = contain(|| waker.wake());
        }
    }

    /// Cancels the job if it has not started. Returns whether it did that.
    fn cancel_queued(&self) -> bool {
        let mut state = self.state.lock();
        let State::Queued(_) = *state else {
            return false;
        };
        let queued = std::mem::replace(&mut *state, State::Ready(Err(Lost::Cancelled)));
        drop(state);
        self.wake();
        // The closure is the application's: its destructor runs with no lock held.
        drop(queued);
        true
    }
}

impl<F: FnOnce() -> T, T> SharedJob<F, T> {
    /// Runs the job, unless it was cancelled.
    fn run(&self) {
        let mut state = self.state.lock();
        let State::Queued(_) = *state else {
            return;
        };
        let State::Queued(run) = std::mem::replace(&mut *state, State::Running) else {
            return;
        };
        drop(state);
        let result = contain(run);
        let panicked = result.is_err();
        self.end(result.map_err(Lost::Panicked));
        if panicked {
            PANICKED.set(true);
        }
    }
}

impl<F: Send, T: Send> Await<T> for SharedJob<F, T> {
    fn try_take(&self) -> Option<Result<T, JobError>> {
        self.state.lock().take()
    }

    fn wait(&self, until: Option<Instant>) -> Option<Result<T, JobError>> {
        let mut state = self.state.lock();
        while !state.is_finished() {
            let (waited, timed_out) = match until {
                None => (self.ended.wait(state), false),
                Some(until) => self.ended.wait_until(state, until),
            };
            state = waited;
            if timed_out {
                break;
            }
        }
        state.take()
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>> {
        let replaced = self.waker.lock().replace(waker.clone());
        drop(replaced);
        match self.state.lock().take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        }
    }

    fn cancel(&self) -> bool {
        self.cancel_queued()
    }

    fn is_finished(&self) -> bool {
        self.state.lock().is_finished()
    }
}
