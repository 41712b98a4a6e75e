//! Describes the file of a thread's descriptor.

use core::ffi::c_int;

use super::activity::{Descriptor, DescriptorKind};
use super::parse::Link;
use super::{address, parse, sanitize};
use crate::buffer::TextBuffer;
use crate::sizes::DETAIL_LEN;
use crate::sys::{self, FileKind, SocketEnd, ThreadReader};

/// The longest path: `PATH_MAX`.
const PATH: usize = 4096;

/// Fills in the file of `descriptor` of thread `tid`. Waits for no other thread
/// and no file server.
pub(crate) fn describe(descriptor: &mut Descriptor, tid: c_int, tasks: &ThreadReader<'_>) {
    let mut buffer = [0; PATH];
    let number = descriptor.number;
    let detail = &mut descriptor.detail;
    descriptor.kind = match tasks.link(tid, number, &mut buffer) {
        Ok(link) => match parse::link(link) {
            Link::Path(path) => {
                sanitize::path(detail, path);
                of_path(number)
            }
            Link::Pipe => DescriptorKind::Pipe,
            Link::Socket => {
                socket(detail, number);
                DescriptorKind::Socket
            }
            Link::Object(name) => {
                sanitize::lossy(detail, name);
                DescriptorKind::Object
            }
        },
        Err(libc::ENOENT) => DescriptorKind::Closed,
        Err(_) => DescriptorKind::Unknown,
    };
}

/// Threads share their descriptors, except for the few that ask the kernel not
/// to; for these the kind may be wrong.
fn of_path(number: c_int) -> DescriptorKind {
    match sys::file_kind(number) {
        Some(FileKind::Pipe) => DescriptorKind::Pipe,
        Some(FileKind::Directory) => DescriptorKind::Directory,
        Some(FileKind::Terminal) => DescriptorKind::Terminal,
        Some(FileKind::CharacterDevice) => DescriptorKind::Device,
        Some(FileKind::BlockDevice) => DescriptorKind::Disk,
        _ => DescriptorKind::File,
    }
}

/// Adds `tcp to 10.0.0.1:80`, or `at` and its own address if it is not connected.
fn socket(detail: &mut TextBuffer<DETAIL_LEN>, number: c_int) {
    let Some(socket) = sys::socket(number) else {
        return;
    };
    match sys::protocol(socket) {
        Some(protocol) => detail.text(protocol),
        None => detail
            .text("family ")
            .number(u64::from(socket.family.unsigned_abs())),
    };
    if !end(detail, " to ", number, SocketEnd::Peer) {
        end(detail, " at ", number, SocketEnd::Local);
    }
    // Between two that are connected, the state says nothing.
    if let Some(state) = sys::tcp_state(number).filter(|state| *state != "established") {
        detail.text(", ").text(state);
    }
}

/// Adds `word` and the address of an end of a socket. Returns `false` if it has none.
#[inline(never)] // Two callers.
fn end(detail: &mut TextBuffer<DETAIL_LEN>, word: &str, number: c_int, end: SocketEnd) -> bool {
    let mut text = TextBuffer::<DETAIL_LEN>::new();
    let address = end.address(number);
    let known = address.and_then(|bytes| address::address(&mut text, bytes.as_bytes()));
    if known.is_some() {
        detail.text(word).text(text.as_str());
    }
    known.is_some()
}
