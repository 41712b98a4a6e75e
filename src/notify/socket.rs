//! A connected datagram socket to which a write does not block.

use std::env;
use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use crate::sys::process_is_secure;
use crate::sys::verified_file::VerifiedFile;

/// The parts of a datagram at most.
const PARTS: usize = 8;

/// A connected datagram socket. A write does not block: a reader that stopped costs the
/// datagram and no time.
pub(crate) struct Socket {
    file: VerifiedFile,
    address: SocketAddr,
}

impl Socket {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Fails if there is no socket at the address, or no descriptor left.
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        let file = VerifiedFile::new(File::from(OwnedFd::from(socket)))?;
        Ok(Self { file, address })
    }

    /// Does the same for the socket at a path.
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) does.
    pub(crate) fn connect_to(path: &str) -> io::Result<Self> {
        Self::connect(SocketAddr::from_pathname(path)?)
    }

    /// Connects to `NOTIFY_SOCKET`. `None` if it is not set, and in a set-user-id program,
    /// whose caller chose the socket.
    ///
    /// # Errors
    ///
    /// Fails as [`connect`](Self::connect) does. A socket of the family vsock is an error
    /// too: it is for virtual machines.
    pub(crate) fn of_the_manager() -> Option<io::Result<Self>> {
        let path = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        if process_is_secure() {
            return None;
        }
        let address = match path.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            [b'/', ..] => SocketAddr::from_pathname(Path::new(&path)),
            _ => Err(io::Error::other(
                "it is neither an absolute path nor an abstract name",
            )),
        };
        Some(address.and_then(Self::connect))
    }

    /// Sends a datagram, and returns whether the kernel took it. Allocates nothing.
    pub(crate) fn send(&self, datagram: &[u8]) -> bool {
        self.send_parts(&[datagram])
    }

    /// Sends up to eight parts as one datagram, and returns whether the kernel took it.
    /// Allocates nothing.
    pub(crate) fn send_parts(&self, parts: &[&[u8]]) -> bool {
        let Some(mut file) = self.file.file() else {
            return false;
        };
        let mut slices = [IoSlice::new(&[]); PARTS];
        for (slice, part) in slices.iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
        }
        let slices = &slices[..parts.len().min(PARTS)];
        match file.write_vectored(slices) {
            Err(error) if is_gone(error.kind()) => {
                self.reconnect() && file.write_vectored(slices).is_ok()
            }
            written => written.is_ok(),
        }
    }

    /// Connects anew: a manager that was restarted has another socket at the address.
    fn reconnect(&self) -> bool {
        let socket = self.file.file().and_then(|file| file.try_clone().ok());
        let socket = socket.map(|file| UnixDatagram::from(OwnedFd::from(file)));
        socket.is_some_and(|socket| socket.connect_addr(&self.address).is_ok())
    }
}

/// Returns `true` if the reader closed its socket: the kernel refuses one datagram, and
/// disconnects.
fn is_gone(error: io::ErrorKind) -> bool {
    matches!(
        error,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotConnected
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    fn address(name: &str) -> SocketAddr {
        let name = format!("deadstop-test-{name}-{}", std::process::id());
        SocketAddr::from_abstract_name(name).expect("a short name")
    }

    #[test]
    fn reader_that_stopped_costs_datagrams_and_no_time() {
        let address = address("stopped");
        let _manager = UnixDatagram::bind_addr(&address).expect("a free name");
        let socket = Socket::connect(address).expect("it listens");
        let (done, is_done) = channel();
        thread::spawn(move || {
            let sent = (0..1_000).filter(|_| socket.send(b"STATUS=x")).count();
            let _ = done.send(sent);
        });
        let sent = is_done.recv_timeout(Duration::from_secs(20));
        let sent = sent.expect("a write blocks");
        assert!((1..1_000).contains(&sent), "{sent}");
    }

    #[test]
    fn restarted_manager_gets_the_datagram() {
        let address = address("restarted");
        let manager = UnixDatagram::bind_addr(&address).expect("a free name");
        let socket = Socket::connect(address.clone()).expect("it listens");
        drop(manager);
        assert!(!socket.send(b"READY=1"));
        let manager = UnixDatagram::bind_addr(&address).expect("a free name");
        assert!(socket.send(b"READY=1"));
        let mut buffer = [0; 16];
        let length = manager.recv(&mut buffer).expect("a datagram");
        assert_eq!(&buffer[..length], b"READY=1");
    }
}
