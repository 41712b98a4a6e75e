//! The listeners that this process was started with.

use std::env;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;

use super::error::InheritError;
use super::passed::{Variables, names};
use crate::lock::Mutex;
use crate::process::shared_sockets::{Identity, note_shared};
use crate::sys::handover::{FIRST, adopt, check_open, is_listener_of};

/// The inherited descriptors that no caller has taken; `None` before the first call.
static LEFT: Mutex<Option<Vec<Descriptor>>> = Mutex::new(None);

struct Descriptor {
    name: String,
    fd: OwnedFd,
}

/// Returns the listening sockets that systemd or the predecessor has passed to this process in
/// `LISTEN_FDS`. Empty if there are none.
///
/// The variables count only if `LISTEN_PID` is this process, so child processes take nothing by
/// mistake. Programs that this process starts do not inherit the descriptors. Call this early,
/// and do not use another library that reads `LISTEN_FDS`.
///
/// # Errors
///
/// Fails if the variables are for this process but invalid. No listener is taken then.
///
/// # Examples
///
/// ```
/// use std::net::TcpListener;
///
/// let listener = match deadstop::handover::inherited()?.tcp("http")? {
///     Some(listener) => listener,
///     None => TcpListener::bind("127.0.0.1:0")?,
/// };
/// # drop(listener);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inherited() -> Result<Inherited, InheritError> {
    let mut left = LEFT.lock();
    if left.is_none() {
        *left = Some(adopt_all()?);
    }
    Ok(Inherited(()))
}

fn adopt_all() -> Result<Vec<Descriptor>, InheritError> {
    let variable = |name| env::var(name).ok();
    let variables = Variables {
        pid: variable("LISTEN_PID"),
        count: variable("LISTEN_FDS"),
        names: variable("LISTEN_FDNAMES"),
    };
    let names = names(&variables, std::process::id()).map_err(InheritError::Count)?;
    let closed = |descriptor| move |source| InheritError::Closed { descriptor, source };
    // All or none: one that was adopted would be closed by the error, and its number could
    // be another file's at the next try.
    for (descriptor, _) in (FIRST..).zip(&names) {
        check_open(descriptor).map_err(closed(descriptor))?;
    }
    let adopted = (FIRST..).zip(names).map(|(descriptor, name)| {
        let fd = adopt(descriptor).map_err(closed(descriptor))?;
        // The socket has no waker yet. Without an identity (no descriptor is left) it gets none.
        let _ = Identity::of(fd.as_fd()).map(note_shared);
        Ok(Descriptor { name, fd })
    });
    adopted.collect()
}

/// The listening sockets that this process was started with. Made by [`inherited`].
///
/// Each can be taken once. `name` is `FileDescriptorName=` of a systemd socket unit (the unit's
/// own name unless set), or the name that the predecessor gave the socket. An empty name means
/// the first one that is left.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Debug)]
pub struct Inherited(());

impl Inherited {
    /// Takes the TCP listener called `name`; `None` if there is none, or it was taken.
    ///
    /// # Errors
    ///
    /// Fails if the descriptor of that name is something else.
    pub fn tcp(&self, name: &str) -> Result<Option<TcpListener>, InheritError> {
        let taken = self.take(name, "TCP listener", &[libc::AF_INET, libc::AF_INET6])?;
        Ok(taken.map(TcpListener::from))
    }

    /// Takes the unix listener called `name`; `None` if there is none, or it was taken.
    ///
    /// # Errors
    ///
    /// Fails if the descriptor of that name is something else.
    pub fn unix(&self, name: &str) -> Result<Option<UnixListener>, InheritError> {
        let taken = self.take(name, "unix listener", &[libc::AF_UNIX])?;
        Ok(taken.map(UnixListener::from))
    }

    /// Takes the descriptor called `name`, whatever it is; `None` if there is none, or it
    /// was taken.
    pub fn descriptor(&self, name: &str) -> Option<OwnedFd> {
        let mut left = LEFT.lock();
        let left = left.as_mut()?;
        let place = left.iter().position(|it| is_called(it, name))?;
        Some(left.remove(place).fd)
    }

    /// Returns the names of those that were not taken.
    pub fn names(&self) -> Vec<String> {
        let left = LEFT.lock();
        let left = left.iter().flatten();
        left.map(|descriptor| descriptor.name.clone()).collect()
    }

    /// Takes a listener of one of the `families`. Needs no further descriptor.
    fn take(
        &self,
        name: &str,
        wanted: &'static str,
        families: &[i32],
    ) -> Result<Option<OwnedFd>, InheritError> {
        let mut left = LEFT.lock();
        let Some(left) = left.as_mut() else {
            return Ok(None);
        };
        let Some(place) = left.iter().position(|it| is_called(it, name)) else {
            return Ok(None);
        };
        if !is_listener_of(left[place].fd.as_fd(), families) {
            return Err(InheritError::Other {
                name: left[place].name.clone(),
                wanted,
            });
        }
        Ok(Some(left.remove(place).fd))
    }
}

fn is_called(descriptor: &Descriptor, name: &str) -> bool {
    name.is_empty() || descriptor.name == name
}
