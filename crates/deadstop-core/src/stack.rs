//! The stack of a stuck thread, as far as it could be captured: a fixed table, so that a
//! report is rendered from it without an allocator. Capturing is another crate's work.

use core::ffi::c_int;

use crate::buffer::TextBuffer;
pub use crate::sizes::MAX_FRAMES;
use crate::sizes::{FUNCTION_NAME_LEN, MODULE_NAME_LEN, SOURCE_PATH_LEN};

/// The innermost frames of one thread, as it stood at one moment.
#[derive(Clone)]
pub struct Stack {
    /// The thread; 0 for none.
    pub tid: c_int,
    pub captured: Captured,
    frames: [Frame; MAX_FRAMES],
    len: usize,
    /// Frames that there was no room for.
    pub left_out: usize,
}

/// The result of a capture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Captured {
    /// No stack was asked for. This value is the first: an empty stack then has only zeros, and
    /// the program contains no copy of its 8 KB.
    NotAsked,
    /// The stack was captured.
    Yes,
    /// The thread blocks the signal that asks for it.
    Blocked,
    /// The thread is gone.
    Gone,
    /// The thread did not answer in time.
    NoAnswer,
    /// Another handler has replaced ours.
    SignalTaken,
    /// `install` found that no stack can be captured in this process.
    Unavailable,
}

/// A frame of a stack.
#[derive(Clone)]
pub struct Frame {
    /// The address of the code in this process.
    pub address: usize,
    /// `true` at a call: `address` is its return address, and the code in question is the
    /// instruction before. `false` where the thread was interrupted.
    pub is_call: bool,
    /// The file that the code is from.
    pub module: TextBuffer<MODULE_NAME_LEN>,
    /// The position in that file, as its symbols count.
    pub offset: u64,
    /// The function's name; empty until it is looked up.
    pub function: TextBuffer<FUNCTION_NAME_LEN>,
    /// The place in the source, as `file:line`; empty if it is not known.
    pub site: TextBuffer<SOURCE_PATH_LEN>,
    /// The origin of that source.
    pub source: Source,
}

/// The origin of the source of a frame's code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Source {
    /// Not known.
    #[default]
    Unknown,
    /// The program's own.
    Application,
    /// A crate from a registry or a repository.
    Dependency,
    /// The standard library's.
    Std,
}

impl Stack {
    pub const fn empty() -> Self {
        Self {
            tid: 0,
            captured: Captured::NotAsked,
            frames: [const { Frame::empty() }; MAX_FRAMES],
            len: 0,
            left_out: 0,
        }
    }

    /// Begins anew, for the thread `tid`.
    pub fn clear(&mut self, tid: c_int) {
        self.tid = tid;
        self.captured = Captured::NotAsked;
        self.len = 0;
        self.left_out = 0;
    }

    /// Adds a frame for the caller to fill in; the innermost comes first. `None` if there is
    /// no room: the frame is then only counted.
    pub fn push(&mut self, address: usize) -> Option<&mut Frame> {
        let Some(frame) = self.frames.get_mut(self.len) else {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        };
        self.len = self.len.saturating_add(1);
        frame.clear(address);
        Some(frame)
    }

    /// Inserts a frame after the frame `n`. If there is no room, the outermost frame is then
    /// only counted.
    pub fn insert_after(&mut self, n: usize, frame: Frame) {
        let at = n.saturating_add(1);
        if at > self.len || at >= MAX_FRAMES {
            return;
        }
        if self.len == MAX_FRAMES {
            self.left_out = self.left_out.saturating_add(1);
        } else {
            self.len = self.len.saturating_add(1);
        }
        let Some(moved) = self.frames.get_mut(at..self.len) else {
            return;
        };
        moved.rotate_right(1);
        if let Some(first) = moved.first_mut() {
            *first = frame;
        }
    }

    /// Keeps the `len` innermost frames.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.get(..self.len).unwrap_or(&[]).iter()
    }

    pub fn frames_mut(&mut self) -> impl Iterator<Item = &mut Frame> {
        self.frames.iter_mut().take(self.len)
    }
}

impl Frame {
    const fn empty() -> Self {
        Self {
            address: 0,
            is_call: false,
            module: TextBuffer::new(),
            offset: 0,
            function: TextBuffer::new(),
            site: TextBuffer::new(),
            source: Source::Unknown,
        }
    }

    fn clear(&mut self, address: usize) {
        self.address = address;
        self.is_call = false;
        self.module.clear();
        self.offset = 0;
        self.function.clear();
        self.site.clear();
        self.source = Source::Unknown;
    }
}
