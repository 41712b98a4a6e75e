//! A future that a runtime drives from now on, as a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::task::{Context, Poll};

use deadstop_core::{Nanos, now};
use tokio::runtime::{Handle, Runtime};

use crate::contain::contain;
use crate::coordinator::TaskBuilder;
use crate::drain::RegisterError;
use crate::drain::latch::Latch;
use crate::drain::task_progress::{UPDATE_EVERY, show_thread};
use crate::drain::thread_id;
use crate::lock::Mutex;
use crate::report::Outcome;
use crate::task::TaskResult;
use crate::trigger::panic::message;
use crate::{TaskContext, TaskHandle};

/// A tokio runtime or its handle.
///
/// # Examples
///
/// ```
/// use deadstop::drain::OnRuntime;
///
/// /// Spawns the consumer on the runtime that the application has.
/// fn consume(shutdown: &deadstop::Shutdown, runtime: &impl OnRuntime) {
///     let requested = shutdown.requested();
///     let _ = shutdown.task("consumer").drive(runtime, async move { requested.await });
/// }
/// ```
pub trait OnRuntime: sealed::Sealed {
    #[doc(hidden)]
    fn handle(&self) -> &Handle;
}

impl OnRuntime for Runtime {
    fn handle(&self) -> &Handle {
        Self::handle(self)
    }
}

impl OnRuntime for Handle {
    fn handle(&self) -> &Handle {
        self
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "seals the trait")]
    pub trait Sealed {}
    impl Sealed for tokio::runtime::Runtime {}
    impl Sealed for tokio::runtime::Handle {}
}

impl TaskBuilder {
    /// Spawns a future on a tokio runtime now, and registers it as a task: in its phase the
    /// shutdown waits until the future has ended. Its value is the task's result; a panic is a
    /// failure. A future that ends without a failure before the request uses no more memory,
    /// and no report names it, so a program may spawn one for each connection.
    ///
    /// The future must notice the request itself, for example by
    /// `with_graceful_shutdown(shutdown.requested())`. If its `poll` blocks a worker, the
    /// reports show that thread and its stack for the task.
    ///
    /// # Errors
    ///
    /// As [`on_shutdown`](Self::on_shutdown). The future is dropped, and does not run.
    ///
    /// # Examples
    ///
    /// ```
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let requested = shutdown.requested();
    /// shutdown.task("http").drive(&runtime, async move {
    ///     // ... axum::serve(..).with_graceful_shutdown(requested).await ...
    ///     requested.await;
    /// })?;
    /// let exit_code = shutdown.finish();
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drive<F>(self, runtime: &impl OnRuntime, future: F) -> Result<TaskHandle, RegisterError>
    where
        F: Future<Output: TaskResult> + Send + 'static,
    {
        let state = Arc::new(State::default());
        let driven = Arc::clone(&state);
        let task = self.on_shutdown(move |cx| wait_for(&driven, cx))?;
        runtime.handle().spawn(Driven {
            future: Some(Box::pin(future)),
            state,
            task: task.clone(),
            is_done: false,
        });
        Ok(task)
    }
}

#[derive(Default)]
struct State {
    /// The worker that polls the future at this moment, or zero.
    polled_by: AtomicI32,
    /// The time of the last poll, or zero, and its worker.
    last_polled: AtomicU64,
    last_polled_by: AtomicI32,
    result: Mutex<Option<Result<(), String>>>,
    ended: Latch,
}

fn wait_for(driven: &State, cx: &TaskContext) -> Result<(), String> {
    while !driven.ended.wait(Some(now().saturating_add(UPDATE_EVERY))) {
        let worker = driven.polled_by.load(Ordering::Relaxed);
        show_thread(cx, (worker != 0).then_some(worker));
        let last = Nanos(driven.last_polled.load(Ordering::Relaxed));
        match last {
            Nanos(0) => cx.note_future(),
            _ => cx.note_poll(driven.last_polled_by.load(Ordering::Relaxed), last),
        }
        if worker == 0 {
            cx.note_poll_end();
        }
        if cx.is_abandoned() {
            break;
        }
    }
    show_thread(cx, None);
    let result = driven.result.lock().take();
    result.unwrap_or_else(|| Err("its runtime dropped the future".to_owned()))
}

/// A future that says which thread polls it, and how it ended.
struct Driven<F> {
    future: Option<Pin<Box<F>>>,
    state: Arc<State>,
    task: TaskHandle,
    /// Set once the future has ended without a failure.
    is_done: bool,
}

impl<F: Future<Output: TaskResult>> Future for Driven<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(mut future) = self.future.take() else {
            return Poll::Ready(());
        };
        let tid = thread_id::current();
        self.state.last_polled_by.store(tid, Ordering::Relaxed);
        self.state.last_polled.store(now().0, Ordering::Relaxed);
        self.state.polled_by.store(tid, Ordering::Relaxed);
        // A runtime keeps a panic to itself. The future is not polled again.
        let polled = contain(|| {
            let polled = future.as_mut().poll(context);
            polled.map(TaskResult::into_outcome)
        });
        self.state.polled_by.store(0, Ordering::Relaxed);
        let result = match polled {
            Ok(Poll::Pending) => {
                self.future = Some(future);
                return Poll::Pending;
            }
            Ok(Poll::Ready(Outcome::Failed(why))) => Err(why),
            Ok(Poll::Ready(_)) => Ok(()),
            Err(payload) => Err(format!("panicked: {}", message(payload.value()))),
        };
        self.is_done = result.is_ok();
        *self.state.result.lock() = Some(result);
        drop(future);
        Poll::Ready(())
    }
}

impl<F> Drop for Driven<F> {
    fn drop(&mut self) {
        self.state.ended.set();
        if self.is_done {
            self.task.remove_before_request();
        }
    }
}
