//! The other end of a local socket, by the kernel's socket diagnostics.
//!
//! `SO_PEERCRED` names the process that made or connected the socket: of a pair that was
//! made before a `fork`, it is the parent at both ends. The diagnostics name the socket
//! itself, by its inode, and `/proc` says which process has that.

use core::ffi::c_int;

use super::descriptor::{close, open, repeat};

/// From `linux/sock_diag.h` and `linux/unix_diag.h`.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;
const ANY: u32 = u32::MAX;

/// Bytes of the header of a netlink message, and of the answer's fixed part.
const HEADER: usize = 16;
const ANSWER: usize = 16;

/// Returns the inode of the socket at the other end of the local socket `inode`. `None`
/// if it is not connected, or if the kernel does not say.
///
/// The kernel answers at once: nothing is asked of the peer.
pub fn local_peer(inode: u64) -> Option<u64> {
    let inode = u32::try_from(inode).ok()?;
    if !is_answered_at_once() {
        return None;
    }
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: three integers.
    let made = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) };
    if made < 0 {
        return None;
    }
    let peer = ask(made, inode);
    close(made);
    peer.map(u64::from)
}

fn ask(socket: c_int, inode: u32) -> Option<u32> {
    let request = request(inode);
    // SAFETY: the pointer is valid for reads of the length given; an address of none is
    // the kernel's.
    let sent = repeat(|| unsafe {
        libc::syscall(
            libc::SYS_sendto,
            socket,
            request.as_ptr(),
            request.len(),
            libc::MSG_DONTWAIT,
            core::ptr::null::<libc::sockaddr>(),
            0_usize,
        )
    });
    sent.ok()?;
    let mut answer = [0_u8; 256];
    // SAFETY: the pointer is valid for writes of the length given; the sender's address is
    // not asked for.
    let len = repeat(|| unsafe {
        libc::syscall(
            libc::SYS_recvfrom,
            socket,
            answer.as_mut_ptr(),
            answer.len(),
            libc::MSG_DONTWAIT,
            core::ptr::null_mut::<libc::sockaddr>(),
            core::ptr::null_mut::<libc::socklen_t>(),
        )
    });
    peer_in(answer.get(..len.ok()?)?)
}

/// `struct nlmsghdr`, and a `struct unix_diag_req` that asks for one socket's peer.
fn request(inode: u32) -> [u8; 40] {
    let mut request = [0; 40];
    let mut put = |offset: usize, bytes: &[u8]| {
        let to = request.get_mut(offset..).unwrap_or(&mut []);
        for (to, from) in to.iter_mut().zip(bytes) {
            *to = *from;
        }
    };
    put(0, &40_u32.to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &(libc::NLM_F_REQUEST as u16).to_ne_bytes());
    put(16, &[libc::AF_UNIX.unsigned_abs() as u8]);
    put(20, &ANY.to_ne_bytes());
    put(24, &inode.to_ne_bytes());
    put(28, &UDIAG_SHOW_PEER.to_ne_bytes());
    put(32, &ANY.to_ne_bytes());
    put(36, &ANY.to_ne_bytes());
    request
}

/// Returns the peer in an answer: a header, a `struct unix_diag_msg`, and attributes.
fn peer_in(answer: &[u8]) -> Option<u32> {
    let short = |bytes: &[u8], offset: usize| {
        let bytes = bytes.get(offset..)?.first_chunk()?;
        Some(u16::from_ne_bytes(*bytes))
    };
    if short(answer, 4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let mut rest = answer.get(HEADER.saturating_add(ANSWER)..)?;
    loop {
        let len = usize::from(short(rest, 0)?);
        if short(rest, 2)? == UNIX_DIAG_PEER {
            let peer = rest.get(4..)?.first_chunk()?;
            return Some(u32::from_ne_bytes(*peer)).filter(|peer| *peer != 0);
        }
        // Attributes begin at multiples of four.
        rest = rest.get(len.max(4).saturating_add(3) & !3..)?;
    }
}

/// Returns `true` if the kernel can answer at once: it has the module, or it has no modules at
/// all. Loading a module would wait for `modprobe`, and so for a disk.
fn is_answered_at_once() -> bool {
    let is_there = |path| match open(libc::AT_FDCWD, path, libc::O_PATH) {
        Ok(number) => {
            close(number);
            true
        }
        Err(_) => false,
    };
    is_there(c"/sys/module/unix_diag") || !is_there(c"/proc/modules")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    fn inode(socket: &impl AsRawFd) -> u64 {
        let identity = super::super::file_identity(socket.as_raw_fd());
        identity.expect("it is open").inode
    }

    #[test]
    fn sockets_of_a_pair_are_each_others_peer() {
        if !is_answered_at_once() {
            return;
        }
        let (one, other) = UnixStream::pair().expect("a pair");
        assert_eq!(local_peer(inode(&one)), Some(inode(&other)));
        assert_eq!(local_peer(inode(&other)), Some(inode(&one)));
    }

    #[test]
    fn socket_that_is_not_connected_has_no_peer() {
        let alone = UnixDatagram::unbound().expect("a socket");
        assert_eq!(local_peer(inode(&alone)), None);
        assert_eq!(local_peer(0), None);
        assert_eq!(local_peer(u64::MAX), None);
    }

    #[test]
    fn answers_that_are_cut_or_malformed_name_no_peer() {
        let mut answer = [0; 40];
        let mut put = |offset: usize, value: u16| {
            answer[offset..offset + 2].copy_from_slice(&value.to_ne_bytes());
        };
        put(4, SOCK_DIAG_BY_FAMILY);
        put(32, 8);
        put(34, UNIX_DIAG_PEER);
        answer[36..].copy_from_slice(&7_u32.to_ne_bytes());
        assert_eq!(peer_in(&answer), Some(7));
        for len in 0..answer.len() {
            assert_eq!(peer_in(&answer[..len]), None, "{len}");
        }
        answer[32..36].fill(0);
        assert_eq!(peer_in(&answer), None);
    }
}
