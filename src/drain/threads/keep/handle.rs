//! The handle of a kept thread.

use std::fmt;
use std::sync::Arc;
use std::thread;

use super::state::State;
use crate::TaskHandle;
use crate::contain::Payload;
use crate::process;

/// A kept thread. Dropping the handle changes nothing.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let thread = shutdown.keep("uploader").spawn(|cx| cx.progress("nothing to upload"))?;
/// assert_eq!(thread.name(), "uploader");
/// thread.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeptThread {
    generation: u32,
    /// The thread returns what its panic carried: `std` would drop that at the end of a
    /// thread without a handle, and abort the process if the destructor panics.
    thread: thread::JoinHandle<Result<(), Payload>>,
    task: TaskHandle,
    state: Arc<State>,
}

impl KeptThread {
    pub(super) fn new(
        thread: thread::JoinHandle<Result<(), Payload>>,
        task: TaskHandle,
        state: Arc<State>,
    ) -> Self {
        Self {
            generation: process::generation(),
            thread,
            task,
            state,
        }
    }

    /// Returns `true` if the closure has returned or panicked. Always `true` after a phase has
    /// waited for the thread.
    pub fn is_finished(&self) -> bool {
        // Not the thread's own: the system may take a while to end a thread after that.
        self.state.has_ended()
    }

    /// Blocks the calling thread until this one has ended.
    ///
    /// # Errors
    ///
    /// Fails with the payload if the thread panicked. In a child of `fork`, which has no such
    /// thread, it fails at once with a text as the payload.
    pub fn join(self) -> thread::Result<()> {
        if self.generation != process::generation() {
            return Err(Box::new("a child of fork has none of its parent's threads"));
        }
        self.thread.join()?.map_err(Into::into)
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.task.name()
    }
}

impl fmt::Debug for KeptThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptThread")
            .field("name", &self.name())
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
