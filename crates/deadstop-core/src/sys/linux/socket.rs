//! A socket's kind and addresses. None of these calls waits for the peer.

use core::ffi::{c_int, c_uint};
use core::mem::{MaybeUninit, size_of};

pub use libc::{AF_INET, AF_INET6, AF_UNIX};

use crate::sys::{Socket, SocketEnd};

/// An address as the kernel writes it: its family comes first.
#[derive(Debug)]
pub struct Address {
    bytes: [u8; size_of::<libc::sockaddr_storage>()],
    len: usize,
}

impl Address {
    /// Returns the address as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}

/// Returns the kind of a descriptor's socket. `None` if it is no socket.
pub fn socket(descriptor: c_int) -> Option<Socket> {
    Some(Socket {
        family: option(descriptor, libc::SO_DOMAIN)?,
        kind: option(descriptor, libc::SO_TYPE)?,
    })
}

/// Returns the usual name of a socket's protocol.
pub fn protocol(socket: Socket) -> Option<&'static str> {
    Some(match (socket.family, socket.kind) {
        (AF_INET | AF_INET6, libc::SOCK_STREAM) => "tcp",
        (AF_INET | AF_INET6, libc::SOCK_DGRAM) => "udp",
        (AF_INET | AF_INET6, _) => "ip",
        (AF_UNIX, _) => "unix",
        (libc::AF_NETLINK, _) => "netlink",
        (libc::AF_VSOCK, _) => "vsock",
        _ => return None,
    })
}

/// Returns the process at the other end of a descriptor's local socket, as it
/// was when the two were connected. `None` for other sockets, and if that was a
/// process of another PID namespace.
pub fn peer_process(descriptor: c_int) -> Option<c_int> {
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the pointers are valid for writes, and the first is of the length
    // that the second has.
    let asked = unsafe {
        libc::getsockopt(
            descriptor,
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut len,
        )
    };
    (asked == 0 && peer.pid > 0).then_some(peer.pid)
}

/// Returns the state of a descriptor's TCP connection, in the words of `ss`.
pub fn tcp_state(descriptor: c_int) -> Option<&'static str> {
    // The state is the first byte of `struct tcp_info`.
    let mut state = 0_u8;
    let mut len: libc::socklen_t = 1;
    // SAFETY: the pointers are valid for writes, and the first is of the length
    // that the second has.
    let asked = unsafe {
        libc::getsockopt(
            descriptor,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut state).cast(),
            &raw mut len,
        )
    };
    match (asked, state) {
        (0, 1) => Some("established"),
        (0, 2) => Some("syn-sent"),
        (0, 3) => Some("syn-recv"),
        (0, 4) => Some("fin-wait-1"),
        (0, 5) => Some("fin-wait-2"),
        (0, 6) => Some("time-wait"),
        (0, 7) => Some("closed"),
        (0, 8) => Some("close-wait"),
        (0, 9) => Some("last-ack"),
        (0, 10) => Some("listening"),
        (0, 11) => Some("closing"),
        _ => None,
    }
}

impl SocketEnd {
    /// Returns the address of this end of a descriptor's socket. `None` if it
    /// has no address.
    pub fn address(self, descriptor: c_int) -> Option<Address> {
        let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
        let capacity = size_of::<libc::sockaddr_storage>();
        let mut len = libc::socklen_t::try_from(capacity).unwrap_or(0);
        let storage = storage.as_mut_ptr();
        let asked = match self {
            // SAFETY: the pointers are valid for writes, and the first is of
            // the length that the second has.
            Self::Local => unsafe { libc::getsockname(descriptor, storage.cast(), &raw mut len) },
            // SAFETY: as above.
            Self::Peer => unsafe { libc::getpeername(descriptor, storage.cast(), &raw mut len) },
        };
        match (asked, usize::try_from(len)) {
            (0, Ok(len)) => Some(Address {
                // SAFETY: the pointer is to as many bytes, zeroed at first.
                bytes: unsafe {
                    storage
                        .cast::<[u8; size_of::<libc::sockaddr_storage>()]>()
                        .read()
                },
                len,
            }),
            _ => None,
        }
    }
}

fn option(descriptor: c_int, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as c_uint;
    // SAFETY: the pointers are valid for writes, and the first is of the length
    // that the second has.
    let asked = unsafe {
        libc::getsockopt(
            descriptor,
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    match asked {
        0 => Some(value),
        _ => None,
    }
}
