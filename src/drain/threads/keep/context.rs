//! The shutdown, as a kept thread sees it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::state::State;
use crate::Shutdown;
use crate::process;
use crate::wait::Requested;

/// The shutdown, as a kept thread sees it.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// shutdown.keep("uploader").spawn(|cx| {
///     // Once a minute, until the shutdown is requested.
///     while !cx.sleep(Duration::from_secs(60)) {
///         cx.progress("part 3 of 9");
///     }
/// })?;
/// # let _ = shutdown.finish();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeptContext {
    shutdown: Shutdown,
    state: Arc<State>,
    generation: u32,
}

impl KeptContext {
    pub(super) fn new(shutdown: Shutdown, state: Arc<State>) -> Self {
        Self {
            shutdown,
            state,
            generation: process::generation(),
        }
    }

    /// Returns `true` if the shutdown has been requested: the thread should end soon.
    pub fn is_requested(&self) -> bool {
        self.shutdown.is_requested()
    }

    /// Returns a handle that resolves at the request.
    pub fn requested(&self) -> Requested {
        Requested::new(&self.shutdown.coordinator)
    }

    /// Blocks the thread for `time`, or until the request. Returns `true` if the shutdown was
    /// requested.
    pub fn sleep(&self, time: Duration) -> bool {
        self.requested().wait_timeout(time)
    }

    /// Sets the text that progress lines and the hang report show for the thread.
    ///
    /// Does nothing in a child of `fork`.
    pub fn progress(&self, text: &str) {
        // A child may have inherited the lock as held.
        if self.generation != process::generation() {
            return;
        }
        self.state.set_progress(text);
    }
}

impl fmt::Debug for KeptContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptContext")
            .field("requested", &self.is_requested())
            .finish_non_exhaustive()
    }
}
