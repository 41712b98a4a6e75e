//! The stack of a stuck thread, as far as it could be had.
//!
//! This is only where it is kept: a fixed table, so that a report is rendered
//! from it without an allocator. Who fills it is outside this room.

use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::option::Option;

use super::line::Line;
use super::sizes::{FRAMES, FUNCTION, MODULE, SITE};

/// The innermost frames of one thread, as it stood at one moment.
#[derive(::core::clone::Clone)]
pub(crate) struct Stack {
    /// The thread; 0 for none.
    pub(crate) tid: c_int,
    pub(crate) captured: Captured,
    frames: [Frame; FRAMES],
    len: usize,
    /// Frames that there was no room for.
    pub(crate) left_out: usize,
}

/// Whether a stack could be had, or why not.
#[derive(
    ::core::clone::Clone, ::core::marker::Copy, ::core::cmp::PartialEq, ::core::fmt::Debug,
)]
pub(crate) enum Captured {
    /// It is here.
    Yes,
    /// The thread blocks the signal that asks for it.
    Blocked,
    /// The thread is gone.
    Gone,
    /// The thread did not answer in time.
    NoAnswer,
    /// Nobody asked, or nobody can here.
    NotAsked,
    /// Somebody else handles the signal.
    SignalTaken,
}

/// One frame.
#[derive(::core::clone::Clone)]
pub(crate) struct Frame {
    /// Where in the code, as the thread has it.
    pub(crate) address: usize,
    /// At a call, and the address is where that returns: the code in question
    /// is the instruction before it. Else the thread was interrupted here.
    pub(crate) is_call: bool,
    /// The file that the code is from.
    pub(crate) module: Line<MODULE>,
    /// Where in that file, as its symbols count.
    pub(crate) offset: u64,
    /// The function's name; empty until it is looked up.
    pub(crate) function: Line<FUNCTION>,
    /// The place in the source, as `file:line`; empty if it is not known.
    pub(crate) site: Line<SITE>,
}

impl Stack {
    pub(crate) const fn empty() -> Self {
        Self {
            tid: 0,
            captured: Captured::NotAsked,
            frames: [const { Frame::empty() }; FRAMES],
            len: 0,
            left_out: 0,
        }
    }

    /// Begins anew, for the thread `tid`.
    pub(crate) fn clear(&mut self, tid: c_int) {
        self.tid = tid;
        self.captured = Captured::NotAsked;
        self.len = 0;
        self.left_out = 0;
    }

    /// The next frame, from the inside out, to be filled in. `None` if there
    /// is no room: it is then counted.
    pub(crate) fn push(&mut self, address: usize) -> Option<&mut Frame> {
        let Option::Some(frame) = self.frames.get_mut(self.len) else {
            self.left_out = self.left_out.saturating_add(1);
            return Option::None;
        };
        self.len = self.len.saturating_add(1);
        frame.clear(address);
        Option::Some(frame)
    }

    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().take(self.len)
    }

    pub(crate) fn frames_mut(&mut self) -> impl Iterator<Item = &mut Frame> {
        self.frames.iter_mut().take(self.len)
    }
}

impl Frame {
    const fn empty() -> Self {
        Self {
            address: 0,
            is_call: false,
            module: Line::new(),
            offset: 0,
            function: Line::new(),
            site: Line::new(),
        }
    }

    fn clear(&mut self, address: usize) {
        self.address = address;
        self.is_call = false;
        self.module.clear();
        self.offset = 0;
        self.function.clear();
        self.site.clear();
    }
}
