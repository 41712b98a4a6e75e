//! Listening sockets, and what their connections need: calls that never block and
//! allocate nothing.

use std::io;
use std::mem;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_void, socklen_t};

/// Connections that the kernel keeps until they are accepted. It cuts this to
/// `net.core.somaxconn`.
const BACKLOG: c_int = 4096;

/// Opens a TCP socket that listens at `address`. One for `[::]` takes IPv4 as well.
pub(crate) fn listen(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: three integers.
    let socket = unsafe { libc::socket(family, kind, 0) };
    check(socket)?;
    // SAFETY: the kernel has just made the descriptor, and no other code knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // A restart must not wait for the connections of the process before.
    set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    match address {
        SocketAddr::V4(address) => bind(&socket, &raw_v4(address))?,
        SocketAddr::V6(address) => {
            if address.ip().is_unspecified() {
                set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)?;
            }
            bind(&socket, &raw_v6(address))?;
        }
    }
    // SAFETY: two integers; the descriptor is open.
    check(unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) })?;
    Ok(socket)
}

/// Makes a listening socket one that does not block, with a long backlog.
pub(crate) fn adopt(socket: &OwnedFd) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    // SAFETY: two integers; the descriptor is open.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    check(flags)?;
    // SAFETY: three integers; the descriptor is open.
    check(unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
    // SAFETY: two integers. A socket that listens changes its backlog.
    check(unsafe { libc::listen(fd, BACKLOG) })?;
    Ok(())
}

fn raw_v4(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes(address.ip().octets()),
        },
        sin_zero: [0; 8],
    }
}

fn raw_v6(address: SocketAddrV6) -> libc::sockaddr_in6 {
    libc::sockaddr_in6 {
        sin6_family: libc::AF_INET6 as libc::sa_family_t,
        sin6_port: address.port().to_be(),
        sin6_flowinfo: address.flowinfo(),
        sin6_addr: libc::in6_addr {
            s6_addr: address.ip().octets(),
        },
        sin6_scope_id: address.scope_id(),
    }
}

fn bind<T>(socket: &OwnedFd, address: &T) -> io::Result<()> {
    let address = std::ptr::from_ref(address).cast::<libc::sockaddr>();
    let len = size_of::<T>() as socklen_t;
    // SAFETY: the pointer is to `len` bytes, an address of the socket's family.
    check(unsafe { libc::bind(socket.as_raw_fd(), address, len) })
}

fn set_option(socket: &OwnedFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    let len = size_of::<c_int>() as socklen_t;
    let value = (&raw const value).cast::<c_void>();
    // SAFETY: the pointer is to `len` bytes, an integer.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value, len) })
}

/// A peer's IP address, or zeros for one that has none (a unix socket).
pub(crate) type Peer = [u8; 16];

/// Accepts a connection that does not block, if one waits.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, Peer)> {
    // SAFETY: all bits zero is a value of this C structure.
    let mut address: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let mut len = size_of_val(&address) as socklen_t;
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let to = (&raw mut address).cast::<libc::sockaddr>();
    // SAFETY: both pointers are valid for writes; `len` is the size of the first.
    let socket = unsafe { libc::accept4(listener.as_raw_fd(), to, &raw mut len, flags) };
    check(socket)?;
    // SAFETY: the kernel has just made the descriptor, and no other code knows it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    Ok((socket, peer(&address)))
}

fn peer(address: &libc::sockaddr_storage) -> Peer {
    let address = std::ptr::from_ref(address);
    // SAFETY: the storage is large enough, and aligned, for every family's address.
    let v4 = unsafe { &*address.cast::<libc::sockaddr_in>() };
    // SAFETY: as above; all bits are values of the integers in it.
    let v6 = unsafe { &*address.cast::<libc::sockaddr_in6>() };
    match c_int::from(v4.sin_family) {
        libc::AF_INET => {
            let v4 = std::net::Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            v4.to_ipv6_mapped().octets()
        }
        libc::AF_INET6 => v6.sin6_addr.s6_addr,
        _ => [0; 16],
    }
}

/// Reads what has arrived; zero at the end of the stream.
pub(crate) fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let to = into.as_mut_ptr().cast::<c_void>();
    // SAFETY: the pointer is valid for writes of as many bytes as the length says.
    let read = unsafe { libc::recv(socket.as_raw_fd(), to, into.len(), libc::MSG_DONTWAIT) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// Writes what the socket takes, without SIGPIPE.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let from = bytes.as_ptr().cast::<c_void>();
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the pointer is valid for reads of as many bytes as the length says.
    let sent = unsafe { libc::send(socket.as_raw_fd(), from, bytes.len(), flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Ends the stream to the peer. What was sent still arrives.
pub(crate) fn end_stream(socket: BorrowedFd<'_>) {
    // SAFETY: two integers. An error means that there is no peer any more.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) };
}

fn check(result: c_int) -> io::Result<()> {
    match result {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns a copy of a descriptor, with the lowest number that is free.
pub(crate) fn lowest_copy(of: BorrowedFd<'_>) -> Option<OwnedFd> {
    // SAFETY: three integers; the descriptor is open.
    let copy = unsafe { libc::fcntl(of.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 0) };
    // SAFETY: the kernel has just made the descriptor, and no other code knows it.
    (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Returns the inode of a socket; `None` if the descriptor is closed or no socket.
/// Async-signal-safe.
pub(crate) fn inode(number: RawFd) -> Option<u64> {
    // SAFETY: all bits zero is a value of this C structure.
    let mut status: libc::stat = unsafe { mem::zeroed() };
    // SAFETY: the pointer is valid for writes. A closed descriptor is an error.
    let result = unsafe { libc::fstat(number, &raw mut status) };
    let is_socket = status.st_mode & libc::S_IFMT == libc::S_IFSOCK;
    (result == 0 && is_socket).then_some(status.st_ino)
}

/// Closes a descriptor that a child of `fork` has inherited and no code of it owns.
/// Async-signal-safe.
pub(crate) fn close(number: RawFd) {
    // SAFETY: an integer; the caller knows which socket it stands for.
    unsafe { libc::close(number) };
}
