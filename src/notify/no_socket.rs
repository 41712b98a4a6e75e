//! Only on Linux does a service manager listen on a local socket.

use std::io;

/// A socket that is never connected.
pub(crate) struct Socket(Never);

enum Never {}

impl Socket {
    /// Fails.
    ///
    /// # Errors
    ///
    /// Always.
    pub(crate) fn connect_to(_path: &str) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns `None`.
    pub(crate) fn of_the_manager() -> Option<io::Result<Self>> {
        None
    }

    /// Is never called.
    pub(crate) fn send_parts(&self, _parts: &[&[u8]]) -> bool {
        match self.0 {}
    }

    /// Is never called.
    pub(crate) fn send(&self, _datagram: &[u8]) -> bool {
        match self.0 {}
    }
}
