//! What a thread's descriptor stands for.

use ::core::convert::From;
use ::core::ffi::c_int;
use ::core::option::Option::Some;
use ::core::result::Result::{Err, Ok};

use super::super::line::Line;
use super::super::sizes::DETAIL;
use super::super::sys::{self, End, FileKind, Tasks};
use super::parse::Link;
use super::{Descriptor, Kind, address, outside, parse};

/// As long as a path can be.
const PATH: usize = 4096;

/// Fills in what `descriptor` of thread `tid` stands for. Nobody is waited
/// for, such as the server of a network file system.
pub(super) fn describe(descriptor: &mut Descriptor, tid: c_int, tasks: &Tasks<'_>) {
    let mut buffer = [0; PATH];
    let number = descriptor.number;
    let detail = &mut descriptor.detail;
    descriptor.kind = match tasks.link(tid, number, &mut buffer) {
        Ok(link) => match parse::link(link) {
            Link::Path(path) => {
                outside::path(detail, path);
                of_path(number)
            }
            Link::Pipe => Kind::Pipe,
            Link::Socket => {
                socket(detail, number);
                Kind::Socket
            }
            Link::Object(name) => {
                outside::lossy(detail, name);
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
