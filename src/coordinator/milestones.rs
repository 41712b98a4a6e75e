//! Handles that resolve at a milestone of the shutdown: the request, the beginning
//! of a phase, the end. Each is a future on any runtime, and threads can wait.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use log::Level;

use super::driver::{Coordinator, Milestone, ScopeHandle};
use crate::error::WaitError;
use crate::process::TRIGGERED;
use deadstop_core::Nanos;

/// State that the three handles share.
struct Handle {
    /// The scope that it is of, which stays as long as the handle.
    scope: ScopeHandle,
    milestone: Milestone,
    key: Option<u64>,
}

impl Handle {
    fn new(scope: ScopeHandle, milestone: Milestone) -> Self {
        Self {
            scope,
            milestone,
            key: None,
        }
    }

    fn coordinator(&self) -> &Arc<Coordinator> {
        &self.scope.coordinator
    }

    fn is_reached(&self) -> bool {
        self.coordinator().is_reached(self.milestone)
    }

    /// Returns `true` if it was reached. In a child of `fork` it returns at once.
    fn wait_until(&self, until: Option<Nanos>) -> bool {
        let counts = matches!(self.milestone, Milestone::Reached(_)) && !self.is_reached();
        if counts {
            self.coordinator().count_waiting_thread(true);
        }
        let is_reached = loop {
            let seen = TRIGGERED.read();
            if self.is_reached() {
                break self.coordinator().is_here();
            }
            if until.is_some_and(|until| until <= deadstop_core::now()) {
                break false;
            }
            TRIGGERED.wait_past(seen, until);
        };
        if counts {
            self.coordinator().count_waiting_thread(false);
        }
        if is_reached && self.coordinator().is_requested() {
            // The caller may exit at once.
            crate::trigger::begin();
        }
        is_reached
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_reached() {
            let coordinator = Arc::clone(self.coordinator());
            coordinator.set_waker(&mut self.key, self.milestone, context.waker());
            // It may have been reached before the waker was set.
            if !self.is_reached() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self::new(self.scope.clone(), self.milestone)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.coordinator().remove_waker(key, self.milestone);
        }
    }
}

/// Writes whether it was reached.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_reached().fmt(f)
    }
}

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
    pub(super) fn of_scope(scope: ScopeHandle) -> Self {
        let milestone = Milestone::Requested(scope.id);
        Self(Handle::new(scope, milestone))
    }

    pub(crate) fn new(coordinator: &Arc<Coordinator>) -> Self {
        Self::of_scope(ScopeHandle::root(coordinator))
    }

    /// Blocks the thread until the stop is requested.
    pub fn wait(&self) {
        self.0.wait_until(None);
    }

    /// Blocks the thread until the stop is requested, or for `timeout`. Returns
    /// `true` if it was requested.
    #[must_use = "`false` means that the time was over first"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let until = deadstop_core::now().saturating_add(timeout);
        self.0.wait_until(Some(until))
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
        self.0.coordinator().request_channel(self.0.scope.id)
    }
}

impl Future for Requested {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

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
        self.0.wait_until(None);
    }

    /// Blocks the thread until the phase begins, or for `timeout`. Returns `true` if
    /// the phase began.
    #[must_use = "`false` means that the time was over first"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let until = deadstop_core::now().saturating_add(timeout);
        self.0.wait_until(Some(until))
    }
}

impl Future for Reached {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

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
        Self {
            handle: Handle::new(ScopeHandle::root(coordinator), Milestone::Ended),
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
