//! One request for a stack, and the answer.
//!
//! The reporter asks and waits for a while; the thread that is asked answers in
//! a signal handler, at once, late, or never. Neither waits for the other, so
//! every step is one exchange of one word:
//!
//! ```text
//!          ask              begin              finish
//! FREE ─────────▶ ASKED ───────────▶ WRITING ───────────▶ DONE
//!   ▲               │                   │                   │
//!   ├───────────────┘ give_up           │ give_up           │
//!   │                                   ▼                   │
//!   ├──────────────────── finish ───── LEFT                 │
//!   └───────────────────────────── free ────────────────────┘
//! ```
//!
//! A handler that comes after the reporter has given up finds nothing to begin.
//! One that is writing by then keeps the request to itself, which is `FREE`
//! again when it ends, if it ever does: a late handler never writes into a later
//! answer. The word carries the thread too, so that a signal which somebody else
//! sent, or which came late, answers for no other thread.
//!
//! # Orderings
//!
//! `finish` is a release and `is_done` an acquire: whoever sees `DONE` sees the
//! frames. Whoever makes the word `FREE` again stores it with a release, behind
//! a last look at the frames or a last write to them, and `begin` is an acquire:
//! the next answer is written behind that. In between are only exchanges, `ask`
//! and `give_up`, which carry a release on and need be none themselves. The
//! frames are atomics, `Relaxed`.

use std::ffi::c_int;

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const FREE: u32 = 0;
const ASKED: u32 = 1;
const WRITING: u32 = 2;
const DONE: u32 = 3;
const LEFT: u32 = 4;

/// A request with room for the `N` innermost frames.
pub(super) struct Request<const N: usize> {
    /// The state in three bits, and the thread above them: ids are below 2^22.
    word: AtomicU32,
    frames: [AtomicU64; N],
    /// Bit `n`: frame `n` is at a call, and its address is where that returns.
    calls: AtomicU64,
    /// How many frames there were, with room or without.
    seen: AtomicU32,
}

/// One frame of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) address: u64,
    /// At a call, and the address is where that returns. Else the thread was
    /// interrupted here.
    pub(super) is_call: bool,
}

impl<const N: usize> Request<N> {
    pub(super) const fn free() -> Self {
        const { assert!(N <= 64, "a bit for each") };
        Self {
            word: AtomicU32::new(FREE),
            frames: [const { AtomicU64::new(0) }; N],
            calls: AtomicU64::new(0),
            seen: AtomicU32::new(0),
        }
    }

    /// Takes this request, for the thread `tid`. False if it is taken.
    pub(super) fn ask(&self, tid: c_int) -> bool {
        self.step(FREE, word(ASKED, tid), Ordering::Relaxed)
    }

    /// Whether the calling thread, `tid`, is asked here. It must then
    /// [`finish`](Self::finish). Async-signal-safe, like all that follows.
    pub(super) fn begin(&self, tid: c_int) -> bool {
        self.step(word(ASKED, tid), word(WRITING, tid), Ordering::Acquire)
    }

    /// Writes down frame `n`, from the inside out. Between `begin` and `finish`.
    pub(super) fn write(&self, n: u32, frame: Seen) {
        if let Some(place) = self.frames.get(n as usize) {
            place.store(frame.address, Ordering::Relaxed);
            let bit = 1 << n;
            let others = match n {
                0 => 0,
                _ => self.calls.load(Ordering::Relaxed) & !bit,
            };
            let calls = if frame.is_call { others | bit } else { others };
            self.calls.store(calls, Ordering::Relaxed);
        }
    }

    /// Answers with the `seen` frames written down, or if nobody waits any more
    /// makes the request free.
    pub(super) fn finish(&self, tid: c_int, seen: u32) {
        self.seen.store(seen, Ordering::Relaxed);
        if !self.step(word(WRITING, tid), word(DONE, tid), Ordering::Release) {
            self.word.store(FREE, Ordering::Release);
        }
    }

    /// Whether the answer is there.
    pub(super) fn is_done(&self, tid: c_int) -> bool {
        self.word.load(Ordering::Acquire) == word(DONE, tid)
    }

    /// Waits no longer. Returns whether the answer has come after all, and must
    /// be [freed](Self::free_again).
    pub(super) fn give_up(&self, tid: c_int) -> bool {
        !self.step(word(ASKED, tid), FREE, Ordering::Relaxed)
            && !self.step(word(WRITING, tid), word(LEFT, tid), Ordering::Relaxed)
            && self.is_done(tid)
    }

    /// The frames of an answer, and how many more there were.
    pub(super) fn answer(&self) -> (impl Iterator<Item = Seen>, usize) {
        let seen = self.seen.load(Ordering::Relaxed) as usize;
        let calls = self.calls.load(Ordering::Relaxed);
        let frames = self.frames.iter().take(seen).enumerate();
        let frames = frames.map(move |(n, address)| Seen {
            address: address.load(Ordering::Relaxed),
            is_call: calls & (1 << n) != 0,
        });
        (frames, seen.saturating_sub(N))
    }

    /// Lets others have the request, once the answer is read.
    pub(super) fn free_again(&self) {
        self.word.store(FREE, Ordering::Release);
    }

    fn step(&self, from: u32, to: u32, order: Ordering) -> bool {
        self.word
            .compare_exchange(from, to, order, Ordering::Relaxed)
            .is_ok()
    }
}

fn word(state: u32, tid: c_int) -> u32 {
    (tid as u32) << 3 | state
}
