//! Futures as tasks.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crossbeam_channel::{Sender, bounded};

use crate::contain::contain;
use crate::trigger::panic::message;

use super::task_context::TaskContext;
use super::task_result::TaskResult;
use crate::report::Outcome;

/// A future that [`on_shutdown_async_in`](crate::task::TaskBuilder::on_shutdown_async_in) gives
/// to a runtime, which polls it.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls `future` on the calling thread until it is ready.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        // An unpark that came in between makes this return at once.
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Has `spawn` see to it that `future` is polled, and waits for its outcome.
pub(super) fn run_elsewhere<F>(
    spawn: impl FnOnce(BoxFuture),
    future: F,
    context: TaskContext,
) -> Outcome
where
    F: Future<Output: TaskResult> + Send + 'static,
{
    let (to, outcome) = bounded(1);
    context.note_future();
    spawn(Box::pin(Told {
        future: Box::pin(future),
        to,
        context,
    }));
    let outcome = outcome.recv();
    outcome.unwrap_or_else(|_| Outcome::Failed("its runtime dropped the future".to_owned()))
}

/// A future whose outcome is sent to the task's thread.
struct Told<F> {
    future: Pin<Box<F>>,
    to: Sender<Outcome>,
    /// The reports say when it was polled.
    context: TaskContext,
}

impl<F: Future<Output: TaskResult>> Future for Told<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // A runtime would keep the panic to itself. What it leaves behind is
        // the future's own, which is not polled again.
        self.context
            .note_poll(deadstop_core::tid(), deadstop_core::now());
        let polled = contain(|| {
            let polled = self.future.as_mut().poll(context);
            polled.map(TaskResult::into_outcome)
        });
        self.context.note_poll_end();
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(payload) => Outcome::Panicked(message(payload.value())),
        };
        // Fails if the task was abandoned and its thread has ended.
        let _ = self.to.send(outcome);
        Poll::Ready(())
    }
}
