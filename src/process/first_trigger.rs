//! The first trigger, in one word.
//!
//! ```text
//! NONE ──┬── signal ──▶ its number, and the sender's pid and uid
//!        └── note ────▶ WORDS: the cause is published beside the word
//! ```
//!
//! A signal handler can write a word but take no lock; a panic's message does not
//! fit in a word. So the first cause in words is published first, and then races
//! for the word like a signal.
//!
//! # Orderings
//!
//! The word is claimed with `AcqRel` and read with `Acquire`: a reader of `WORDS`
//! sees the cause, which was published before. Triggers advance an event count
//! afterwards, so a thread that waits for the count sees the word.

use crate::cause::{Cause, Sender};
#[cfg(feature = "shutdown")]
use crate::primitives::Published;
use crate::primitives::atomic::{AtomicU64, Ordering};
use crate::signal::Signal;

const NONE: u64 = 0;
const WORDS: u64 = 1;

/// A signal's word is its number, whether the sender is known, the sender's
/// uid and pid, and whether the sender only claims them, from the lowest bit that
/// `WORDS` does not use. Linux gives no pid above 2^22.
const NUMBER: u32 = 1;
const KNOWN: u32 = 8;
const UID: u32 = 9;
const PID: u32 = 41;
const CLAIMED: u32 = 63;
const PIDS: u64 = (1 << (CLAIMED - PID)) - 1;

pub(crate) struct FirstTrigger {
    word: AtomicU64,
    #[cfg(feature = "shutdown")]
    words: Published<Words>,
}

/// The part of a trigger that does not fit in a word.
#[cfg(feature = "shutdown")]
struct Words {
    cause: Cause,
    /// The index of the phase to start from.
    first_phase: usize,
}

impl FirstTrigger {
    pub(crate) const fn none() -> Self {
        Self {
            word: AtomicU64::new(NONE),
            #[cfg(feature = "shutdown")]
            words: Published::nothing(),
        }
    }

    /// Notes a signal, if nothing was noted before. Async-signal-safe.
    pub(crate) fn note_signal(&self, number: i32, sender: Option<Sender>) -> bool {
        let number = u64::from(number.unsigned_abs()) << NUMBER;
        self.claim(match sender {
            None => number,
            Some(sender) => {
                let pid = (u64::from(sender.pid.unsigned_abs()) & PIDS) << PID;
                let claimed = u64::from(!sender.is_vouched_for()) << CLAIMED;
                number | 1 << KNOWN | u64::from(sender.uid) << UID | pid | claimed
            }
        })
    }

    /// Notes a cause, and the index of the phase to start from, if nothing was
    /// noted before. Returns whether it is the first trigger. The cause may be a
    /// signal, from outside a handler.
    #[cfg(feature = "shutdown")]
    pub(crate) fn note(&self, cause: Cause, first_phase: usize) -> bool {
        let is_only = self
            .words
            .publish(Box::new(Words { cause, first_phase }))
            .is_ok();
        // A caller that loses finds that there was a trigger: it claims the word
        // for the one that has published, which may not have come so far.
        self.claim(WORDS);
        is_only && self.word.load(Ordering::Acquire) == WORDS
    }

    /// Returns `true` if there was a trigger. Async-signal-safe.
    #[cfg(feature = "shutdown")]
    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        self.word.load(Ordering::Acquire) != NONE
    }

    /// Returns the cause, if there was a trigger.
    #[cfg(feature = "shutdown")]
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.word.load(Ordering::Acquire) {
            NONE => None,
            WORDS => self.words.get().map(|words| words.cause.clone()),
            word => Some(signaled(word)),
        }
    }

    /// Returns the cause, if it was a signal. Async-signal-safe.
    pub(crate) fn signaled(&self) -> Option<Cause> {
        match self.word.load(Ordering::Acquire) {
            NONE | WORDS => None,
            word => Some(signaled(word)),
        }
    }

    /// Returns the index of the phase to start from.
    #[cfg(feature = "shutdown")]
    pub(crate) fn first_phase(&self) -> usize {
        match self.word.load(Ordering::Acquire) {
            WORDS => self.words.get().map_or(0, |words| words.first_phase),
            _ => 0,
        }
    }

    /// Forgets the parent's trigger in a child of `fork`. Async-signal-safe.
    pub(crate) fn reset_after_fork(&self) {
        #[cfg(feature = "shutdown")]
        self.words.clear();
        self.word.store(NONE, Ordering::Release);
    }

    fn claim(&self, word: u64) -> bool {
        self.word
            .compare_exchange(NONE, word, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Returns the cause that a signal's word stands for.
fn signaled(word: u64) -> Cause {
    let number = (word >> NUMBER & 0x7f) as i32;
    let (pid, uid) = ((word >> PID & PIDS) as i32, (word >> UID) as u32);
    let sender = match word >> CLAIMED {
        0 => Sender::new(pid, uid),
        _ => Sender::claimed(pid, uid),
    };
    Cause::Signaled {
        signal: Signal::from(number),
        sender: (word >> KNOWN & 1 == 1).then_some(sender),
    }
}
