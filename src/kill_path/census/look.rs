//! A look at one thread, through its files.

use ::core::ffi::c_int;
use ::core::option::Option::{None, Some};
use ::core::result::Result::{Err, Ok};

use super::super::sys::{File, Tasks};
use super::describe::describe;
use super::parse::Syscall;
use super::{Thread, infer, outside, parse};

/// More than the longest of the files that are looked at: its state is within
/// the first 64 bytes of `stat`.
const FILE: usize = 256;

/// Whether there is such a thread.
pub(super) enum Found {
    Yes,
    Gone,
    /// The system does not say; its number for why.
    Refused(c_int),
    NotAsked,
}

/// Reads the name of `thread`.
pub(super) fn name(thread: &mut Thread, folder: &Tasks<'_>) -> Found {
    match folder.read(thread.tid, File::Name, &mut [0; FILE]) {
        Ok(comm) => {
            outside::lossy(&mut thread.name, parse::name(comm));
            Found::Yes
        }
        Err(::libc::ENOENT | ::libc::ESRCH) => Found::Gone,
        Err(refused) => Found::Refused(refused),
    }
}

/// Reads what `thread` is doing.
pub(super) fn rest(thread: &mut Thread, folder: &Tasks<'_>) {
    let mut buffer = [0; FILE];
    if let Ok(stat) = folder.read(thread.tid, File::State, &mut buffer) {
        thread.state = parse::state(stat);
    }
    // The others say where a thread waits.
    let syscall = match thread.state {
        b'R' | b'T' | b't' | b'Z' | b'X' => None,
        _ => wait(thread, folder),
    };
    thread.doing = infer::doing(thread.state, thread.place.as_str(), syscall.as_ref());
    if let Some(descriptor) = thread.doing.descriptor_mut() {
        describe(descriptor, thread.tid, folder);
    }
}

fn wait(thread: &mut Thread, folder: &Tasks<'_>) -> ::core::option::Option<Syscall> {
    let mut buffer = [0; FILE];
    if let Ok(wchan) = folder.read(thread.tid, File::Place, &mut buffer) {
        thread.place.text(parse::place(wchan));
    }
    // The last, since it is the one that can take a while: it waits for an
    // `exec` that is under way, and for a thread that is about to wait.
    let syscall = folder.read(thread.tid, File::Call, &mut buffer).ok();
    let syscall = syscall.and_then(parse::syscall);
    if let Some(Syscall::Running) = syscall {
        // It has gone on in the meantime.
        thread.state = b'R';
        thread.place.clear();
    }
    syscall
}
