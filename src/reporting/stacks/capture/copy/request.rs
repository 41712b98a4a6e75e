//! One request for a thread's registers and stack, and the answer.
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
//! A handler that runs after the reporter has given up finds no request to begin.
//! A handler that is writing at that time keeps the request, which is `FREE` again
//! when it finishes, if it ever does: a late handler never writes into a later
//! answer. The word carries the thread too, so that a signal from another sender,
//! or a late one, answers for no other thread.
//!
//! # Orderings
//!
//! `finish` is a release and `is_done` an acquire: a reporter that sees `DONE` sees
//! the answer. The two steps back to `FREE` store it with a release, after the last
//! read of the answer or the last write to it, and `begin` is an acquire: the next
//! answer is written after that. In between are only exchanges, `ask` and
//! `give_up`, which carry a release on and need be none themselves. The answer
//! consists of atomics, `Relaxed`.

use std::ffi::c_int;

use crate::primitives::atomic::{AtomicU32, AtomicU64, Ordering};

const FREE: u32 = 0;
const ASKED: u32 = 1;
const WRITING: u32 = 2;
const DONE: u32 = 3;
const LEFT: u32 = 4;

/// The number of registers that an answer has.
pub(crate) const REGISTERS: usize = 4;

/// A request with room for `N` words of the stack.
pub(crate) struct Request<const N: usize> {
    /// The state in three bits, and the thread above them: ids are below 2^22.
    word: AtomicU32,
    registers: [AtomicU64; REGISTERS],
    /// The address that the copy begins at.
    from: AtomicU64,
    /// The number of words of the copy that are filled.
    len: AtomicU32,
    copy: [AtomicU64; N],
}

impl<const N: usize> Request<N> {
    pub(crate) const fn free() -> Self {
        Self {
            word: AtomicU32::new(FREE),
            registers: [const { AtomicU64::new(0) }; REGISTERS],
            from: AtomicU64::new(0),
            len: AtomicU32::new(0),
            copy: [const { AtomicU64::new(0) }; N],
        }
    }

    /// Takes this request, for the thread `tid`. Returns `false` if it is taken.
    pub(crate) fn ask(&self, tid: c_int) -> bool {
        self.step(FREE, word(ASKED, tid), Ordering::Relaxed)
    }

    /// Returns `true` if the calling thread, `tid`, is asked here. It must then
    /// [`finish`](Self::finish). Async-signal-safe, like all that follows.
    pub(crate) fn begin(&self, tid: c_int) -> bool {
        self.step(word(ASKED, tid), word(WRITING, tid), Ordering::Acquire)
    }

    /// Writes the registers down. Between `begin` and `finish`.
    pub(crate) fn write_registers(&self, registers: [u64; REGISTERS]) {
        for (word, register) in self.registers.iter().zip(registers) {
            word.store(register, Ordering::Relaxed);
        }
    }

    /// Returns the memory for the copy of the stack. Between `begin` and `finish`.
    pub(crate) fn copy(&self) -> &[AtomicU64; N] {
        &self.copy
    }

    /// Answers with the registers and `len` words of the stack, from the address
    /// `from` on. If the reporter has given up, it makes the request free.
    pub(crate) fn finish(&self, tid: c_int, from: u64, len: usize) {
        self.from.store(from, Ordering::Relaxed);
        let len = u32::try_from(len.min(N)).unwrap_or(0);
        self.len.store(len, Ordering::Relaxed);
        if !self.step(word(WRITING, tid), word(DONE, tid), Ordering::Release) {
            self.word.store(FREE, Ordering::Release);
        }
    }

    /// Returns `true` if the answer is there.
    pub(crate) fn is_done(&self, tid: c_int) -> bool {
        self.word.load(Ordering::Acquire) == word(DONE, tid)
    }

    /// Waits no longer. Returns whether the answer has come after all, and must
    /// be [freed](Self::free_again).
    pub(crate) fn give_up(&self, tid: c_int) -> bool {
        !self.step(word(ASKED, tid), FREE, Ordering::Relaxed)
            && !self.step(word(WRITING, tid), word(LEFT, tid), Ordering::Relaxed)
            && self.is_done(tid)
    }

    /// The registers of an answer.
    pub(crate) fn registers(&self) -> [u64; REGISTERS] {
        std::array::from_fn(|n| self.registers[n].load(Ordering::Relaxed))
    }

    /// The word at `address` of an answer's stack, if the copy has it.
    pub(crate) fn stack_word(&self, address: u64) -> Option<u64> {
        let offset = address.checked_sub(self.from.load(Ordering::Relaxed))?;
        let n = usize::try_from(offset / 8).ok()?;
        let word = |n: usize| {
            let is_filled = n < self.len.load(Ordering::Relaxed) as usize;
            let word = self.copy.get(n).filter(|_| is_filled)?;
            Some(word.load(Ordering::Relaxed))
        };
        let shift = 8 * (offset % 8) as u32;
        match shift {
            0 => word(n),
            // The value is in two words, on a processor that stores the low byte first.
            _ => Some(word(n)? >> shift | word(n.checked_add(1)?)? << (64 - shift)),
        }
    }

    /// Lets others have the request, once the answer is read.
    pub(crate) fn free_again(&self) {
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
