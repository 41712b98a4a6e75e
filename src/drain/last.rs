//! What is done at the very end of the process: files are removed, calls of the application are
//! made, the terminal is restored.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::path::{self, Path};
use std::sync::Arc;

use deadstop_core::files::FileSlot;

use crate::Shutdown;
use crate::lock::Mutex;
use crate::process::{self, FILES, WATCH};
use crate::sys::file::path_bytes;

impl Shutdown {
    /// Removes a file at the end of the process: a pid file, a unix socket.
    ///
    /// deadstop removes it after every task: when `main` returns, when the program calls `exit`
    /// or one of the `_and_exit` methods, and shortly before a deadline that has to end the
    /// process. The file stays after SIGKILL, `abort`, a second signal and `_exit`.
    ///
    /// A relative path refers to the working directory at the time of this call.
    ///
    /// # Errors
    ///
    /// Fails in a process without an installed shutdown (a child of `fork`), if the path contains a zero byte or has more than 255
    /// bytes, or if 32 files are listed already. The file stays.
    ///
    /// # Examples
    ///
    /// ```
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let path = std::env::temp_dir().join(format!("app-{}.pid", std::process::id()));
    /// std::fs::write(&path, std::process::id().to_string())?;
    /// shutdown.remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_file(&self, path: impl AsRef<Path>) -> io::Result<RemovedFile> {
        if !WATCH.is_owner() {
            return Err(io::Error::other(
                "this process is a child of fork, or its shutdown is detached; only a process \
                 with an installed shutdown removes files",
            ));
        }
        let path = path::absolute(path)?;
        let path = CString::new(path_bytes(&path)?)?;
        let slot = FILES.add(&path).ok_or_else(|| {
            let limits = "the path has more than 255 bytes, or 32 files are listed already";
            io::Error::other(limits)
        })?;
        Ok(RemovedFile {
            slot: Arc::new(Mutex::new(Some(slot))),
            generation: process::generation(),
        })
    }

    /// Calls `call` after every task and after the summary. Drop the guard of a logger with a
    /// thread of its own here. If a task dropped the guard, the summary would be lost. Code
    /// after `wait_and_exit` never runs.
    ///
    /// deadstop's log thread calls it. The end of the process waits for all such calls
    /// together, at most 1 s or half of the time up to the deadline. The call that was added
    /// last runs first. No call runs if the deadline ends the process, or if the program exits
    /// without a shutdown. In a child of `fork`, `call` is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// # struct Guard;
    /// let guard = Guard; // of `tracing_appender::non_blocking`, say
    /// shutdown.at_end(move || drop(guard));
    /// # Ok::<(), deadstop::InstallError>(())
    /// ```
    pub fn at_end(&self, call: impl FnOnce() + Send + 'static) {
        if self.coordinator.is_here() {
            self.coordinator.reporting.add_last(Box::new(call));
        }
    }

    /// Saves the attributes of the controlling terminal, and restores them at the end. Use it
    /// in a program that puts the terminal into raw mode. The watchdog restores them at the
    /// deadline, and the handler of a second signal before it ends the process.
    ///
    /// Returns `false` if the process has no terminal. A second call changes nothing.
    pub fn keep_terminal(&self) -> bool {
        WATCH.is_owner() && WATCH.terminal().save()
    }
}

/// A file that is removed at the end. Dropping the handle changes nothing.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone)]
pub struct RemovedFile {
    slot: Arc<Mutex<Option<FileSlot>>>,
    /// Stands for the process; a child of `fork` has another.
    generation: u32,
}

impl RemovedFile {
    /// Leaves the file where it is. Returns `false` if it was removed already, if this was
    /// called before, and in a child of `fork`.
    pub fn cancel(&self) -> bool {
        if self.generation != process::generation() {
            return false;
        }
        let slot = self.slot.lock().take();
        slot.is_some_and(FileSlot::cancel)
    }
}

impl fmt::Debug for RemovedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemovedFile").finish_non_exhaustive()
    }
}
