//! The handle of the health server.

use std::fmt;
use std::net::SocketAddr;

use super::shared::Shared;
use crate::Shutdown;

/// The health server of the process. Made by
/// [`Shutdown::health`](crate::Shutdown::health).
///
/// A `Health` is a handle: it can be copied, sent and shared, and dropping it changes
/// nothing. The server answers until the process is gone. In a child of `fork` nothing
/// answers, and every method returns at once.
///
/// [`set_ready`](Self::set_ready), [`set_not_ready`](Self::set_not_ready) and
/// [`is_ready`](Self::is_ready) are async-signal-safe.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let health = shutdown.health().bind("127.0.0.1:0").start()?;
/// // ... load the configuration, fill the caches ...
/// health.set_ready();
/// println!("/readyz answers at {:?}", health.addresses());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Health {
    pub(super) shared: &'static Shared,
    pub(super) addresses: &'static [SocketAddr],
}

impl Health {
    /// Sets the program ready: `/startupz` answers 200 from now on. `/readyz` answers 200 while
    /// every check passes and no shutdown was requested. This also notifies systemd, as
    /// [`Shutdown::set_ready`] does.
    pub fn set_ready(&self) {
        self.shared.set_ready(true);
        if let Some(shutdown) = Shutdown::installed() {
            shutdown.set_ready();
        }
    }

    /// Sets the program not ready: `/readyz` answers 503. `/startupz` does not change.
    pub fn set_not_ready(&self) {
        self.shared.set_ready(false);
    }

    /// Returns the value that the program set last. Checks and the shutdown do not change it.
    pub fn is_ready(&self) -> bool {
        self.shared.is_ready()
    }

    /// Returns the TCP addresses at which the server listens, with the ports that it got.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.addresses
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("addresses", &self.addresses)
            .field("ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}
