//! The request, as a future and as something a thread can wait for.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use crate::kill_path;
use crate::trigger::TRIGGERED;

use super::core::Core;
use super::scope::Node;

/// The futures that wait for a request.
pub(super) struct Wakers(Mutex<State>);

struct State {
    next: u64,
    waiting: HashMap<u64, (Arc<Node>, Waker)>,
}

impl Wakers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            next: 0,
            waiting: HashMap::new(),
        }))
    }

    /// Takes out those whose request has come. They are to be woken with no lock
    /// held: a waker is somebody else's code.
    pub(super) fn take_requested(&self) -> impl Iterator<Item = Waker> + use<> {
        let mut state = self.0.lock();
        let all = std::mem::take(&mut state.waiting);
        let (requested, waiting): (HashMap<_, _>, _) = all
            .into_iter()
            .partition(|(_, (node, _))| node.is_requested());
        state.waiting = waiting;
        requested.into_values().map(|(_, waker)| waker)
    }

    /// Has `waker` woken at `node`'s request, in place of the one of `key`.
    fn set(&self, key: &mut Option<u64>, node: &Arc<Node>, waker: &Waker) {
        // Cloning and dropping a waker is somebody else's code: not under the
        // lock.
        let waker = waker.clone();
        let mut state = self.0.lock();
        let key = *key.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        let before = state.waiting.insert(key, (Arc::clone(node), waker));
        drop(state);
        drop(before);
    }

    fn remove(&self, key: u64) {
        let waker = self.0.lock().waiting.remove(&key);
        drop(waker);
    }
}

/// The moment at which the end is asked for. Made by
/// [`Shutdown::requested`](crate::Shutdown::requested) and
/// [`Scope::requested`](crate::Scope::requested).
///
/// It is a future that works on any runtime and needs none, and it can be
/// waited for by a thread. Waiting for it, unlike waiting for the shutdown,
/// does not keep the process from ending.
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
/// shutdown.exit();
/// # #[expect(unreachable_code, reason = "the type of the example")]
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[must_use = "a future does nothing unless it is polled or waited for"]
pub struct Requested {
    core: Arc<Core>,
    node: Arc<Node>,
    key: Option<u64>,
}

impl Requested {
    pub(crate) fn new(core: Arc<Core>, node: Arc<Node>) -> Self {
        Self {
            core,
            node,
            key: None,
        }
    }

    /// Blocks the thread until the end is asked for.
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// Blocks the thread until the end is asked for, or `timeout` is over.
    /// Returns whether it was asked for.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(Some(kill_path::now().saturating_add(timeout)))
    }

    /// A channel on which nothing ever comes, and which is disconnected at the
    /// request: for [`crossbeam::select!`](crossbeam::channel::select).
    ///
    /// Only with the feature `crossbeam-channel`.
    #[cfg(feature = "crossbeam-channel")]
    pub fn receiver(&self) -> crossbeam::channel::Receiver<std::convert::Infallible> {
        self.node.receiver()
    }

    fn wait_until(&self, until: Option<kill_path::Nanos>) -> bool {
        loop {
            let seen = TRIGGERED.read();
            if self.node.is_requested() {
                return true;
            }
            if until.is_some_and(|until| until <= kill_path::now()) {
                return false;
            }
            TRIGGERED.wait_past(seen, until);
        }
    }
}

impl Future for Requested {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.node.is_requested() {
            this.core
                .wakers
                .set(&mut this.key, &this.node, context.waker());
            // A request may have come before the waker was there to hear it.
            if !this.node.is_requested() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl Clone for Requested {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core), Arc::clone(&self.node))
    }
}

impl Drop for Requested {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.core.wakers.remove(key);
        }
    }
}

impl fmt::Debug for Requested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Requested")
            .field(&self.node.is_requested())
            .finish()
    }
}
