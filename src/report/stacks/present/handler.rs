//! The side of the thread that is asked.
//!
//! What is here runs in a signal handler, in the middle of anything: inside the
//! allocator, the loader, or another handler.

use std::ffi::c_int;

use super::request::{Request, Seen};
use crate::kill_path::{self, Errno, EventCount};
use crate::sys::stacks::{signal, unwind};

/// Frames that are kept: as many as a report has room for, and some.
const KEPT: usize = 32;
/// Frames that are counted. What is further out is neither looked at nor
/// counted: endless recursion has a hundred thousand.
const COUNTED: u32 = 200;

/// What the rest of the handler needs of a signal stack, twice over. On most, it
/// is there; a thread with large registers may have little more than the kernel
/// puts them into.
const ROOM: usize = 4096;

/// One is enough; a thread that stops in the middle of its answer keeps its own.
static REQUESTS: [Request<KEPT>; 4] = [const { Request::free() }; 4];

/// Tells whoever asked that there is an answer.
pub(super) static ANSWERED: EventCount = EventCount::new();

/// Asks the thread `tid`, which must then be sent the signal. `None` if every
/// request is under way.
pub(super) fn ask(tid: c_int) -> Option<&'static Request<KEPT>> {
    REQUESTS.iter().find(|request| request.ask(tid))
}

/// The handler: writes down this thread's frames from where it was interrupted,
/// if it is asked to. A signal that nobody here has sent does nothing.
pub(super) extern "C" fn answer(_signal: c_int) {
    let _errno = Errno::save();
    let tid = kill_path::tid();
    let Some(request) = REQUESTS.iter().find(|request| request.begin(tid)) else {
        return;
    };
    let mut seen = 0_u32;
    if signal::room().is_some_and(|room| room < ROOM) {
        request.finish(tid, seen);
        ANSWERED.advance();
        return;
    }
    unwind::walk(|frame| {
        // The innermost frames are this handler's own, and all at calls. The
        // first that is not is the one that the signal interrupted.
        if seen == 0 && frame.is_call {
            return true;
        }
        let address = frame.address as u64;
        let is_call = frame.is_call;
        // The unwinder ends some stacks with a frame of nothing.
        if address == 0 && is_call {
            return false;
        }
        request.write(seen, Seen { address, is_call });
        seen = seen.saturating_add(1);
        seen < COUNTED
    });
    request.finish(tid, seen);
    ANSWERED.advance();
}
