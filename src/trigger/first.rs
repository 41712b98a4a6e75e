//! Which trigger was the first, in one word.
//!
//! ```text
//! NONE ──┬── signal ──▶ its number, and the sender's pid and uid
//!        └── note ────▶ WORDS: the cause is behind the lock
//! ```
//!
//! A handler can write a word but take no lock; a panic's message does not fit
//! in a word. So a cause in words is put behind the lock first, by whoever
//! comes first with words, and then races for the word like a signal.
//!
//! # Orderings
//!
//! The word is claimed with `AcqRel` and read with `Acquire`: who reads `WORDS`
//! sees the cause behind the lock, which was put there before. Triggers advance
//! an event count afterwards, so whoever waits for that sees the word.

use crate::cause::{Cause, Sender};
use crate::signal::Signal;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

const NONE: u64 = 0;
const WORDS: u64 = 1;

/// A signal's word is its number, whether the sender is known, the sender's
/// uid and pid, from the lowest bit that `WORDS` does not use. Linux gives no
/// pid above 2^22.
const NUMBER: u32 = 1;
const KNOWN: u32 = 8;
const UID: u32 = 9;
const PID: u32 = 41;

pub(crate) struct First {
    word: AtomicU64,
    words: Mutex<Option<Words>>,
}

/// What does not fit in a word.
struct Words {
    cause: Cause,
    /// The phase to start from.
    from: usize,
}

impl First {
    pub(crate) const fn none() -> Self {
        Self {
            word: AtomicU64::new(NONE),
            words: Mutex::new(None),
        }
    }

    /// Notes a signal, if nothing was noted before. Async-signal-safe.
    pub(crate) fn note_signal(&self, number: i32, sender: Option<Sender>) -> bool {
        let number = u64::from(number.unsigned_abs()) << NUMBER;
        self.claim(match sender {
            None => number,
            Some(Sender { pid, uid }) => {
                let pid = u64::from(pid.unsigned_abs()) << PID;
                number | 1 << KNOWN | u64::from(uid) << UID | pid
            }
        })
    }

    /// Notes a cause, and the place of the phase to start from, if nothing was
    /// noted before. It may be a signal, from outside a handler.
    pub(crate) fn note(&self, cause: Cause, from: usize) -> bool {
        let mut words = self.words.lock();
        if words.is_some() {
            // Somebody is before us, and has claimed the word.
            return false;
        }
        *words = Some(Words { cause, from });
        // Under the lock: whoever loses finds that there was a trigger.
        self.claim(WORDS)
    }

    /// Whether there was a trigger. Async-signal-safe.
    pub(crate) fn is_some(&self) -> bool {
        self.word.load(Ordering::Acquire) != NONE
    }

    /// The cause, if there was a trigger.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.word.load(Ordering::Acquire) {
            NONE => None,
            WORDS => {
                let words = self.words.lock();
                words.as_ref().map(|words| words.cause.clone())
            }
            word => Some(signalled(word)),
        }
    }

    /// The cause, if it was a signal. Takes no lock and allocates nothing.
    pub(crate) fn signalled(&self) -> Option<Cause> {
        match self.word.load(Ordering::Acquire) {
            NONE | WORDS => None,
            word => Some(signalled(word)),
        }
    }

    /// The place of the phase to start from.
    pub(crate) fn from(&self) -> usize {
        match self.word.load(Ordering::Acquire) {
            WORDS => self.words.lock().as_ref().map_or(0, |words| words.from),
            _ => 0,
        }
    }

    /// Makes it as it was at first.
    pub(super) fn forget(&self) {
        // A thread that the child does not have may hold the lock; then the
        // parent's words stay where they are, and are read by nobody.
        if let Some(mut words) = self.words.try_lock() {
            *words = None;
        }
        self.word.store(NONE, Ordering::Release);
    }

    fn claim(&self, word: u64) -> bool {
        self.word
            .compare_exchange(NONE, word, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// The cause that a signal's word stands for.
fn signalled(word: u64) -> Cause {
    let number = (word >> NUMBER & 0x7f) as i32;
    let sender = Sender::new((word >> PID) as i32, (word >> UID) as u32);
    Cause::Signalled {
        signal: Signal::from_number(number),
        sender: (word >> KNOWN & 1 == 1).then_some(sender),
    }
}
