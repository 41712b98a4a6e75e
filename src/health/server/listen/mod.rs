//! Opens what the server listens at.

mod address;
mod forked;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::sync::Arc;

use super::error::HealthError;
use crate::notify;
use crate::process::shared_sockets::{Identity, Served, note_served};
use crate::sys::listener;

pub(super) use self::address::Address;
pub(super) use self::forked::close_in_children;

/// The maximum number of addresses and listeners of a server.
pub(super) const MAX_LISTENERS: usize = 4;

/// A socket that listens.
pub(super) struct Listening {
    pub(super) socket: OwnedFd,
    /// The bound address; `None` for a unix socket.
    pub(super) address: Option<SocketAddr>,
    /// For a listener that another process may have too.
    pub(super) served: Option<Arc<Served>>,
}

impl Listening {
    /// Returns `true` if this process answers here: its predecessor does until this one is
    /// ready or the predecessor has ended, and its successor once that has taken over. One answer of two processes would be
    /// "not ready" half of the time.
    pub(super) fn is_served(&self) -> bool {
        match &self.served {
            None => true,
            Some(_) => !self.is_handed_over() && !self.awaits_predecessor(),
        }
    }

    /// Returns `true` once a successor answers here.
    pub(super) fn is_handed_over(&self) -> bool {
        let served = self.served.as_ref();
        served.is_some_and(|served| served.is_handed_over())
    }

    /// Returns `true` while the predecessor answers here.
    pub(super) fn awaits_predecessor(&self) -> bool {
        let served = self.served.as_ref();
        served.is_some_and(|served| served.was_shared()) && notify::is_predecessor_running()
    }
}

/// Listens at `address`; if its port is taken, at one of the `more` ports after it.
pub(super) fn open(address: &Address, more: u16) -> Result<Listening, HealthError> {
    match address {
        Address::Tcp(address) => tcp(*address, more).map_err(|source| HealthError::Listen {
            address: address.to_string(),
            source,
        }),
        Address::Unix(path) => unix(path).map_err(|source| HealthError::Listen {
            address: format!("unix:{}", path.display()),
            source,
        }),
    }
}

/// Takes over a socket that listens.
pub(super) fn adopt(socket: OwnedFd) -> io::Result<Listening> {
    listener::adopt(&socket)?;
    let served = Identity::of(socket.as_fd()).ok().map(note_served);
    Ok(Listening {
        served,
        ..described(socket)?
    })
}

fn tcp(address: SocketAddr, more: u16) -> io::Result<Listening> {
    let mut port = address.port();
    for _ in 0..more {
        match at_port(address, port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port < u16::MAX => port += 1,
            opened => return opened,
        }
    }
    at_port(address, port)
}

fn at_port(mut address: SocketAddr, port: u16) -> io::Result<Listening> {
    address.set_port(port);
    let opened = listener::listen(address).or_else(|error| match is_without_v6(&error) {
        true if address.is_ipv6() && address.ip().is_unspecified() => {
            listener::listen((Ipv4Addr::UNSPECIFIED, port).into())
        }
        _ => Err(error),
    });
    described(opened?)
}

/// Returns `true` if the system has no IPv6: it is not built in, or switched off.
fn is_without_v6(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
    )
}

fn unix(path: &Path) -> io::Result<Listening> {
    if is_stale(path) {
        std::fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    let socket = OwnedFd::from(socket);
    listener::adopt(&socket)?;
    Ok(Listening {
        socket,
        address: None,
        served: None,
    })
}

/// Returns `true` if `path` is a socket that a killed process left: no process has bound it.
fn is_stale(path: &Path) -> bool {
    let is_socket = path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.file_type().is_socket());
    // Probes with a socket of another type. A stream socket would wait while the queue of a
    // hung process is full, and a process that has not called `listen` yet would refuse it.
    let refuses = || {
        UnixDatagram::unbound()
            .and_then(|socket| socket.connect(path))
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    is_socket && refuses()
}

fn described(socket: OwnedFd) -> io::Result<Listening> {
    let socket = TcpListener::from(socket);
    // Fails for a unix socket.
    let address = socket.local_addr().ok();
    Ok(Listening {
        socket: socket.into(),
        address,
        served: None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn local(port: u16) -> Address {
        Address::Tcp((Ipv4Addr::LOCALHOST, port).into())
    }

    #[test]
    fn taken_port_is_an_error_and_the_next_free_one_is_used_if_asked() {
        let first = open(&local(0), 0).expect("a free port");
        let port = first.address.expect("an address").port();
        assert!(matches!(
            open(&local(port), 0),
            Err(HealthError::Listen { .. })
        ));
        let next = open(&local(port), 100).expect("one of a hundred is free");
        assert!(next.address.expect("an address").port() > port);
    }

    #[test]
    fn socket_file_of_a_killed_process_is_replaced_and_a_live_one_is_not() {
        let path = std::env::temp_dir().join(format!("deadstop-open-{}.sock", std::process::id()));
        let address = Address::Unix(path.clone());
        let first = open(&address, 0).expect("the path is free");
        assert!(open(&address, 0).is_err(), "it is in use");
        drop(first);
        assert!(path.exists());
        open(&address, 0).expect("it is replaced");
        std::fs::remove_file(&path).expect("it is a file");
    }

    /// A process that hangs has such a queue: to connect would wait for it.
    #[test]
    #[expect(unsafe_code, reason = "makes a queue short")]
    fn path_of_a_listener_whose_queue_is_full_is_in_use() {
        let path = std::env::temp_dir().join(format!("deadstop-full-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).expect("the path is free");
        // SAFETY: two integers; the descriptor is open.
        unsafe { libc::listen(listener.as_raw_fd(), 0) };
        let _queued = UnixStream::connect(&path).expect("there is room for one");
        let (said, is_said) = channel();
        let address = Address::Unix(path.clone());
        thread::spawn(move || said.send(open(&address, 0).is_err()));
        let is_in_use = is_said.recv_timeout(Duration::from_secs(20));
        std::fs::remove_file(&path).expect("it is a file");
        assert_eq!(is_in_use, Ok(true), "it waits");
    }

    #[test]
    fn other_file_at_the_path_of_a_socket_stays() {
        let path = std::env::temp_dir().join(format!("deadstop-open-{}.txt", std::process::id()));
        std::fs::write(&path, "kept").expect("a file");
        assert!(open(&Address::Unix(path.clone()), 0).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "kept");
        std::fs::remove_file(&path).expect("it is a file");
    }
}
