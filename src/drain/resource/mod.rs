//! Resources: clients to close, last registered first.
//!
//! ```text
//! request ──▶ wakers          CLOSE ──▶ last registered ──▶ ... ──▶ first registered
//!                                        a task each: one that hangs costs its budget
//! ```

mod list;
mod once;
mod order;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use self::once::Once;
use self::order::{Resource, order};
use crate::drain::RegisterError;
use crate::drain::wake::WakerHandle;
use crate::lock::Mutex;
use crate::process;
use crate::task::PhaseName;
use crate::task::TaskResult;
use crate::{Phase, Shutdown};

impl Shutdown {
    /// Starts describing a resource: a client, connection or pool that the shutdown closes.
    ///
    /// The resources of a phase are closed one after another, last registered first. Each is a
    /// task with a name and a budget, so a resource that hangs does not keep the next from
    /// being closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Client;
    /// # impl Client { fn wakeup(&self) {} fn close(&self) {} }
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let client = Arc::new(Client);
    /// shutdown
    ///     .resource("orders client", Arc::clone(&client))
    ///     .budget(Duration::from_secs(2))
    ///     .waker(|client| client.wakeup())
    ///     .close(|client| client.close())?;
    /// let exit_code = shutdown.finish();
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn resource<C>(&self, name: impl Into<String>, client: C) -> ResourceBuilder<C>
    where
        C: Send + Sync + 'static,
    {
        ResourceBuilder {
            shutdown: self.clone(),
            name: name.into(),
            client: Arc::new(client),
            phase: Phase::CLOSE.into(),
            budget: None,
            identity: None,
            waker: None,
            site: Location::caller(),
        }
    }
}

type Wake<C> = Box<dyn Fn(&C) + Send + Sync>;

/// Describes a resource. Made by [`Shutdown::resource`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[must_use = "a resource is registered by `close`"]
pub struct ResourceBuilder<C> {
    shutdown: Shutdown,
    name: String,
    client: Arc<C>,
    phase: PhaseName,
    budget: Option<Duration>,
    identity: Option<usize>,
    waker: Option<Wake<C>>,
    site: &'static Location<'static>,
}

impl<C: Send + Sync + 'static> ResourceBuilder<C> {
    /// Sets the phase in which it is closed; CLOSE unless set.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.phase = phase.into();
        self
    }

    /// Sets how long closing may take. Unless set, the remaining resources of the phase share
    /// its remaining time equally.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the identity of a client that several parts of the program share, such as
    /// `Arc::as_ptr(&client)`. A second registration with the same identity returns the handle
    /// of the first, and the client is closed once.
    pub fn identity<T: ?Sized>(mut self, shared: *const T) -> Self {
        self.identity = Some(shared.cast::<()>() as usize);
        self
    }

    /// Sets a [waker](Shutdown::waker) that unblocks the threads that use the client. It runs
    /// at the request, but not after closing has begun.
    pub fn waker(mut self, wake: impl Fn(&C) + Send + Sync + 'static) -> Self {
        self.waker = Some(Box::new(wake));
        self
    }

    /// Registers the resource. `close` runs once, in its phase. It may return `()`, or a
    /// `Result` whose error says what failed.
    ///
    /// # Errors
    ///
    /// Fails if the phase does not exist or is over, if the name is empty, and in a child of
    /// `fork`. The client is dropped, and nothing is closed.
    pub fn close<F, R>(self, close: F) -> Result<ResourceHandle, RegisterError>
    where
        F: FnOnce(&C) -> R + Send + 'static,
        R: TaskResult + 'static,
    {
        if self.name.trim().is_empty() {
            return Err(RegisterError::Unnamed);
        }
        // A child of fork may have inherited the list's lock as held.
        if !self.shutdown.coordinator.is_here() {
            process::warn_if_forked();
            return Err(RegisterError::Forked);
        }
        let client = Arc::clone(&self.client);
        let resource = Arc::new(Resource {
            name: self.name.clone(),
            budget: self.budget,
            identity: self.identity,
            of: Arc::downgrade(&self.shutdown.coordinator),
            site: self.site,
            close: Once::new(Box::new(move || {
                let result = close(&client);
                order::result_of(result)
            })),
            waker: Mutex::new(None),
            generation: process::generation(),
        });
        let wake = self.waker.map(|wake| {
            let client = self.client;
            Arc::new(move || wake(&client))
        });
        // The list is locked meanwhile. So `wake` is cloned: its destructor, which is the
        // application's, runs after that.
        let set_waker = || {
            if let Some(wake) = wake.clone() {
                let waker = self.shutdown.waker(self.name, move || wake())?;
                *resource.waker.lock() = Some(waker);
            }
            Ok(())
        };
        match order().add(&self.shutdown, self.phase, &resource, set_waker) {
            Ok(None) => Ok(ResourceHandle { resource }),
            Ok(Some(resource)) => Ok(ResourceHandle { resource }),
            Err(error) => {
                resource.disable_waker();
                Err(error)
            }
        }
    }
}

impl<C> fmt::Debug for ResourceBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceBuilder")
            .field("name", &self.name)
            .field("phase", &self.phase)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// A registered resource. Dropping the handle changes nothing.
///
/// In a child of `fork` it does nothing: the client belongs to the parent.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// # struct Client;
/// # impl Client { fn close(&self) {} }
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let client = shutdown.resource("orders client", Client).close(|client| client.close())?;
/// // A client that is replaced is closed at once, and not again by the shutdown.
/// assert!(client.close_now());
/// assert!(!client.close_now());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ResourceHandle {
    resource: Arc<Resource>,
}

impl ResourceHandle {
    /// Closes the resource now, on the calling thread; the shutdown then does not close it.
    /// Returns `true` if this call closed it, `false` if it was closed or released before.
    pub fn close_now(&self) -> bool {
        if !self.resource.is_here() {
            return false;
        }
        order().remove(&self.resource);
        self.resource.close().is_some()
    }

    /// Removes the resource from the shutdown, which then does not close it: the program closes
    /// it elsewhere. Returns `false` if it was closed or released before.
    pub fn release(&self) -> bool {
        if !self.resource.is_here() {
            return false;
        }
        order().remove(&self.resource);
        self.resource.disable_waker();
        self.resource.close.take().is_some()
    }

    /// Returns the waker's handle, if the resource has one.
    pub fn waker(&self) -> Option<WakerHandle> {
        let is_here = self.resource.is_here();
        is_here
            .then(|| self.resource.waker.lock().clone())
            .flatten()
    }

    /// Returns the name of the resource.
    pub fn name(&self) -> &str {
        &self.resource.name
    }
}

impl fmt::Debug for ResourceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResourceHandle")
            .field(&self.resource.name)
            .finish()
    }
}
