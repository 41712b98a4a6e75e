//! Kept threads: threads that the process stays for. Java and Python call them non-daemon
//! threads, .NET foreground threads.
//!
//! In Rust every thread is a daemon thread: the end of `main` cuts it off.

mod builder;
mod context;
mod error;
mod handle;
mod state;

pub use self::builder::KeepBuilder;
pub use self::context::KeptContext;
pub use self::error::KeepError;
pub use self::handle::KeptThread;
use crate::Shutdown;

impl Shutdown {
    /// Starts describing a kept thread: `finish` and `wait` wait for it, in the phase DRAIN.
    /// Java and Python call that a non-daemon thread, .NET a foreground thread.
    ///
    /// # Examples
    ///
    /// ```
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let uploads = shutdown.keep("uploader").spawn(|cx| {
    ///     // ... one part after another, until `cx.is_requested()` ...
    ///     # let _ = cx.is_requested();
    /// })?;
    /// let exit_code = shutdown.finish(); // returns once the uploader has
    /// assert!(uploads.is_finished());
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep(&self, name: impl Into<String>) -> KeepBuilder {
        KeepBuilder::new(self.clone(), name.into())
    }
}
