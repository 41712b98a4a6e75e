//! A handle that resolves when every task has ended.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use log::Level;

use super::handle::Handle;
use crate::coordinator::driver::{Coordinator, Milestone, ScopeHandle};
use crate::error::WaitError;

/// A handle that resolves when every task has ended. Its value is the status for `main` to
/// return. Made by [`Shutdown::ended`](crate::Shutdown::ended).
///
/// It is a future on any runtime, and a thread can [wait](Self::wait) for it. It counts as a
/// waiter for the shutdown from its first poll until it is dropped. In a task of the shutdown,
/// and in a child of `fork`, it resolves at once to [`ExitCode::FAILURE`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// # futures::executor::block_on(async {
/// let shutdown = deadstop::Shutdown::builder().signals([]).install()?;
/// shutdown.request(deadstop::Cause::requested("an example"));
/// let exit_code = shutdown.ended().await;
/// # let _ = exit_code;
/// # Ok::<(), deadstop::InstallError>(())
/// # }).unwrap();
/// ```
#[must_use = "a future does nothing unless it is polled or waited for"]
pub struct Ended {
    handle: Handle,
    is_counted: bool,
}

impl Ended {
    pub(crate) fn new(coordinator: &Arc<Coordinator>) -> Self {
        let root = ScopeHandle::root(coordinator);
        Self {
            handle: Handle::new(root, Milestone::Ended).checking_handlers(),
            is_counted: false,
        }
    }

    /// Blocks the thread until every task has ended.
    pub fn wait(&self) -> ExitCode {
        let end = self.handle.coordinator().wait_for_end();
        end.map_or_else(
            |error| self.failed(&error),
            |end| ExitCode::from(end.status()),
        )
    }

    /// Blocks the thread until every task has ended, or `timeout` is over. Returns `None` if
    /// the time was over first.
    #[must_use = "`None` means that the time was over first"]
    pub fn wait_timeout(&self, timeout: Duration) -> Option<ExitCode> {
        let until = deadstop_core::now().saturating_add(timeout);
        match self.handle.coordinator().wait_for_end_until(until) {
            Ok(end) => end.map(|end| ExitCode::from(end.status())),
            Err(error) => Some(self.failed(&error)),
        }
    }

    /// Returns what waiting returns where it would never end. The log says why, but not in a
    /// child of `fork`, which has no thread for the log.
    fn failed(&self, error: &WaitError) -> ExitCode {
        if *error != WaitError::Forked {
            let reporting = &self.handle.coordinator().reporting;
            reporting.message(Level::Error, format!("{error}"));
        }
        ExitCode::FAILURE
    }
}

impl Future for Ended {
    type Output = ExitCode;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<ExitCode> {
        let coordinator = Arc::clone(self.handle.coordinator());
        if let Err(error) = coordinator.may_wait() {
            return Poll::Ready(self.failed(&error));
        }
        if !self.is_counted {
            self.is_counted = true;
            coordinator.add_waiter();
        }
        if self.handle.poll(context).is_pending() {
            return Poll::Pending;
        }
        let end = coordinator.completion.get();
        Poll::Ready(end.map_or(ExitCode::FAILURE, |end| ExitCode::from(end.status())))
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.is_counted {
            self.handle.coordinator().remove_waiter();
        }
    }
}

impl Clone for Ended {
    fn clone(&self) -> Self {
        Self::new(self.handle.coordinator())
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ended").field(&self.handle).finish()
    }
}
