//! A handle that resolves when a phase begins.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::handle::Handle;
use crate::coordinator::driver::{Coordinator, Milestone, ScopeHandle};

/// A handle that resolves when a phase begins, or is skipped. Made by
/// [`Shutdown::reached`](crate::Shutdown::reached).
///
/// It is a future on any runtime, and a thread can [wait](Self::wait) for it.
/// Waiting for it does not count as waiting for the shutdown. In a child of `fork`
/// it resolves at once.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use deadstop::{Cause, Phase, Shutdown};
///
/// let shutdown = Shutdown::builder().signals([]).install()?;
/// let unbind = shutdown.reached(Phase::UNBIND);
/// let server = std::thread::spawn(move || unbind.wait());
/// shutdown.request(Cause::requested("an example"));
/// server.join().unwrap();
/// # shutdown.wait();
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a future does nothing unless it is polled or waited for"]
pub struct Reached(Handle);

impl Reached {
    pub(crate) fn new(coordinator: &Arc<Coordinator>, phase: usize) -> Self {
        let root = ScopeHandle::root(coordinator);
        Self(Handle::new(root, Milestone::Reached(phase)))
    }

    /// Blocks the thread until the phase begins.
    pub fn wait(&self) {
        self.0.wait();
    }

    /// Blocks the thread until the phase begins, or for `timeout`. Returns `true` if
    /// the phase began.
    #[must_use = "`false` means that the time was over first"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.0.wait_timeout(timeout)
    }
}

impl Future for Reached {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}
