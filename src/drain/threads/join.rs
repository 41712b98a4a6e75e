//! A thread of the application as a task.

use std::thread::JoinHandle;

use crate::TaskHandle;
use crate::contain::Payload;
use crate::coordinator::TaskBuilder;
use crate::drain::RegisterError;
use crate::drain::task_progress::show_thread;
use crate::report::Outcome;
use crate::sys::thread::tid_of;
use crate::task::TaskResult;
use crate::trigger::panic::message;
use deadstop_core::roster::TaskKind;

impl TaskBuilder {
    /// Registers a thread of the application as a task: in its phase the shutdown waits until
    /// the thread has ended. Its return value is the task's result; a panic of the thread is a
    /// failure.
    ///
    /// The thread must notice the request itself, by
    /// [`Shutdown::requested`](crate::Shutdown::requested) or a
    /// [waker](crate::Shutdown::waker). The reports show the thread and its stack for the task.
    ///
    /// The phase joins a thread that has ended, and its stack stays mapped until then. So use
    /// this for threads that last as long as the program. For one thread per connection use
    /// [`keep`](crate::Shutdown::keep), which frees the thread at its end.
    ///
    /// # Errors
    ///
    /// As [`on_shutdown`](Self::on_shutdown). The thread is then detached.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::thread;
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let requested = shutdown.requested();
    /// let consumer = thread::spawn(move || requested.wait());
    /// shutdown.task("consumer").join(consumer)?;
    /// let exit_code = shutdown.finish();
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join<R>(self, thread: JoinHandle<R>) -> Result<TaskHandle, RegisterError>
    where
        R: TaskResult + Send + 'static,
    {
        self.on_shutdown(move |cx| {
            cx.note_kind(TaskKind::Thread);
            show_thread(cx, tid_of(&thread));
            let ended = thread.join().map_err(Payload::from);
            show_thread(cx, None);
            match ended.map(TaskResult::into_outcome) {
                Ok(Outcome::Failed(why)) => Err(why),
                Ok(_) => Ok(()),
                Err(payload) => Err(format!("the thread panicked: {}", message(payload.value()))),
            }
        })
    }
}
