//! A handle that resolves when the shutdown, or a scope, is requested to stop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::handle::Handle;
use crate::coordinator::driver::{Coordinator, Milestone, ScopeHandle};

/// A handle that resolves when the shutdown, or a scope, is requested to stop. Made
/// by [`Shutdown::requested`](crate::Shutdown::requested) and
/// [`Scope::requested`](crate::Scope::requested).
///
/// It is a future that works on any runtime and needs none, and a thread can
/// [wait](Self::wait) for it. Waiting for it does not count as waiting for the
/// shutdown. In a child of `fork` it resolves at once.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::{Cause, Shutdown};
///
/// let shutdown = Shutdown::builder().install()?;
/// let requested = shutdown.requested();
/// assert!(!requested.wait_timeout(Duration::from_millis(10)));
///
/// shutdown.request(Cause::requested("an example"));
/// assert!(requested.wait_timeout(Duration::ZERO));
/// shutdown.wait_and_exit();
/// # #[expect(unreachable_code, reason = "the type of the example")]
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a future does nothing unless it is polled or waited for"]
pub struct Requested(Handle);

impl Requested {
    pub(in crate::coordinator) fn of_scope(scope: ScopeHandle) -> Self {
        let milestone = Milestone::Requested(scope.id);
        Self(Handle::new(scope, milestone))
    }

    /// The handle of a thread of deadstop, or of one that the program keeps.
    pub(crate) fn new(coordinator: &Arc<Coordinator>) -> Self {
        Self::of_scope(ScopeHandle::root(coordinator))
    }

    /// The handle of the program, whose first wait checks the signal handlers.
    pub(crate) fn of_program(coordinator: &Arc<Coordinator>) -> Self {
        Self(Self::new(coordinator).0.checking_handlers())
    }

    /// Blocks the thread until the stop is requested.
    pub fn wait(&self) {
        self.0.wait();
    }

    /// Blocks the thread until the stop is requested, or for `timeout`. Returns
    /// `true` if it was requested.
    #[must_use = "`false` means that the time was over first"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.0.wait_timeout(timeout)
    }

    /// Returns a channel that is disconnected at the request, for
    /// [`crossbeam::select!`](crossbeam_channel::select). No message is ever sent on it.
    ///
    /// Only with the feature `crossbeam-channel`.
    ///
    /// # Examples
    ///
    /// ```
    /// use crossbeam::channel::{select, unbounded};
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let requested = shutdown.requested().receiver();
    /// let (jobs, work) = unbounded();
    /// jobs.send(1)?;
    /// loop {
    ///     select! {
    ///         recv(work) -> job => {
    ///             assert_eq!(job, Ok(1));
    ///             shutdown.request(deadstop::Cause::requested("the last job"));
    ///         }
    ///         recv(requested) -> _ => break,
    ///     }
    /// }
    /// shutdown.wait_and_exit();
    /// # #[expect(unreachable_code, reason = "the type of the example")]
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "crossbeam-channel")]
    pub fn receiver(&self) -> crossbeam_channel::Receiver<std::convert::Infallible> {
        self.0.check_handlers();
        self.0.coordinator().request_channel(self.0.scope.id)
    }
}

impl Future for Requested {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}
