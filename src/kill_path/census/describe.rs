//! What a thread's descriptor stands for.

use ::core::convert::From;
use ::core::ffi::c_int;
use ::core::option::Option::Some;
use ::core::result::Result::{Err, Ok};

use super::super::line::Line;
use super::super::sizes::DETAIL;
use super::super::sys::{self, End, FileKind, Tasks};
use super::{Descriptor, Kind, address, outside};

/// As long as a path can be.
const PATH: usize = 4096;

/// Fills in what `descriptor` of thread `tid` stands for. Nobody is waited
/// for, such as the server of a network file system.
pub(super) fn describe(descriptor: &mut Descriptor, tid: c_int, tasks: &Tasks) {
    let mut buffer = [0; PATH];
    let number = descriptor.number;
    let detail = &mut descriptor.detail;
    descriptor.kind = match tasks.link(tid, number, &mut buffer) {
        Ok(link) => match link {
            [b'/', ..] => {
                outside::path(detail, link);
                of_path(number)
            }
            [b'p', b'i', b'p', b'e', b':', ..] => Kind::Pipe,
            [b's', b'o', b'c', b'k', b'e', b't', b':', ..] => {
                socket(detail, number);
                Kind::Socket
            }
            link => {
                object(detail, link);
                Kind::Object
            }
        },
        Err(::libc::ENOENT) => Kind::Closed,
        Err(_) => Kind::Unknown,
    };
}

/// All threads share their descriptors, but for those few that ask the kernel
/// not to; of these, the kind may be wrong.
fn of_path(number: c_int) -> Kind {
    match sys::kind(number) {
        Some(FileKind::Pipe) => Kind::Pipe,
        Some(FileKind::Directory) => Kind::Directory,
        Some(FileKind::Terminal) => Kind::Terminal,
        Some(FileKind::Character) => Kind::Device,
        Some(FileKind::Block) => Kind::Disk,
        _ => Kind::File,
    }
}

/// `tcp to 10.0.0.1:80`, or `at` its own address where it is not connected.
fn socket(detail: &mut Line<DETAIL>, number: c_int) {
    let Some(socket) = sys::socket(number) else {
        return;
    };
    match (socket.family, socket.kind) {
        (::libc::AF_INET | ::libc::AF_INET6, ::libc::SOCK_STREAM) => detail.text("tcp"),
        (::libc::AF_INET | ::libc::AF_INET6, ::libc::SOCK_DGRAM) => detail.text("udp"),
        (::libc::AF_INET | ::libc::AF_INET6, _) => detail.text("ip"),
        (::libc::AF_UNIX, _) => detail.text("unix"),
        (::libc::AF_NETLINK, _) => detail.text("netlink"),
        (::libc::AF_VSOCK, _) => detail.text("vsock"),
        (family, _) => detail
            .text("family ")
            .number(u64::from(family.unsigned_abs())),
    };
    for (end, word) in [(End::There, " to "), (End::Here, " at ")] {
        let mut text = Line::<DETAIL>::new();
        let address = end.address(number);
        let known = address.and_then(|bytes| address::address(&mut text, bytes.as_bytes()));
        if let Some(()) = known {
            detail.text(word).text(text.as_str());
            return;
        }
    }
}

/// `anon_inode:[eventfd]` is an `eventfd`.
fn object(detail: &mut Line<DETAIL>, link: &[u8]) {
    let name = link.strip_prefix(b"anon_inode:").unwrap_or(link);
    let bare = name.strip_prefix(b"[").unwrap_or(name);
    outside::lossy(detail, bare.strip_suffix(b"]").unwrap_or(name));
}
