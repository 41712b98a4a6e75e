//! Wakers: callbacks that unblock a thread when the shutdown is requested.
//!
//! A thread that waits in a system call or a library does not see the request. Its waker
//! makes that wait return: any thread may call it, it must not block, and a wake-up
//! before the wait begins must not be lost.

mod calls;
#[cfg(unix)]
mod descriptor_wakers;
mod entry;
mod registry;
mod round;
pub mod wakers;
mod wakeup;

use std::fmt;
use std::sync::Arc;

pub use self::wakeup::Wakeup;

use deadstop_core::now;

use self::entry::Entry;
use self::registry::registry;
use self::round::PATIENCE;
use crate::Shutdown;
use crate::drain::RegisterError;
use crate::process;

impl Shutdown {
    /// Registers a callback that unblocks a thread. The callback runs once, at the request, on
    /// a thread of its own. If the shutdown has already begun, it runs at once.
    ///
    /// No task starts before every waker was called. Wakers that hang delay the tasks by at
    /// most a tenth of the grace, and at most 1 s.
    ///
    /// A waker that panics, or that has not returned after 20 ms, does not keep the others
    /// from running; the log names it. [`wakers`] has callbacks for sockets, pipes,
    /// channels, condition variables and parked threads.
    ///
    /// # Errors
    ///
    /// Fails if the name is empty, in a child of `fork`, or if the system refuses the thread
    /// for wakers ([`RegisterError::NoThread`]). The callback is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpListener;
    /// use deadstop::drain::wakers;
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// shutdown.waker("accept loop", wakers::socket(&listener)?)?;
    /// let accepts = std::thread::spawn(move || {
    ///     while let Ok((connection, _)) = listener.accept() {
    ///         drop(connection);
    ///     }
    /// });
    /// shutdown.task("accept loop").join(accepts)?;
    /// let exit_code = shutdown.finish();
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn waker(
        &self,
        name: impl Into<String>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<WakerHandle, RegisterError> {
        let name = name.into();
        if name.trim().is_empty() {
            return Err(RegisterError::Unnamed);
        }
        if !self.coordinator.is_here() {
            return Err(RegisterError::Forked);
        }
        let entry = Arc::new(Entry::new(name, Box::new(wake)));
        registry()
            .add(self, &entry)
            .map_err(|_| RegisterError::NoThread)?;
        Ok(WakerHandle {
            entry,
            generation: process::generation(),
        })
    }
}

/// A registered waker. Dropping the handle changes nothing. In a child of `fork` its methods
/// do nothing.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone)]
pub struct WakerHandle {
    entry: Arc<Entry>,
    /// Stands for the process; a child of `fork` has another.
    generation: u32,
}

impl WakerHandle {
    /// Runs the callback now, on the calling thread, unless it is disabled.
    pub fn wake(&self) {
        if self.is_here() {
            self.entry.wake();
        }
    }

    /// Returns `true` if this is the process that registered the waker. A child of
    /// `fork` may have inherited each lock as held.
    fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Disables the waker. Use it before closing a client whose last commit must not be
    /// interrupted. Returns `true` if the waker was enabled. If the callback runs at this
    /// moment, waits for it for at most 20 ms, even if the callback is the caller.
    pub fn disable(&self) -> bool {
        if !self.is_here() {
            return false;
        }
        registry().remove(&self.entry);
        self.entry
            .disable(Some(now().saturating_add(PATIENCE)), now)
    }

    /// Returns the waker's name.
    pub fn name(&self) -> &str {
        &self.entry.name
    }
}

impl fmt::Debug for WakerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WakerHandle")
            .field(&self.entry.name)
            .finish()
    }
}
