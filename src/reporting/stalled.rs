//! The stacks of threads whose heartbeat is stalled, as text for answers of the health
//! server. The roster says which heartbeats are stalled.
//!
//! # Orderings
//!
//! The reporter alone writes. It takes away a text's key, then replaces the text, then
//! stores the new key (`Release`). The `Release` fence before the text makes a reader that
//! sees a byte of the new text, after its `Acquire` fence, see that the key has gone. So a
//! text is returned for the stall that it is of, and for no other.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use deadstop_core::MAX_STALLS;
use deadstop_core::roster::{Text, words};

/// Bytes of a stack as text.
pub(crate) const STALLED_TEXT: usize = 4096;

/// The stacks of the stalls that the roster lists.
#[cfg(feature = "health")]
pub(crate) static STALLED_STACKS: StalledStacks = StalledStacks::none();

/// A text for each place of the roster's table of stalls. It stays until the next stall in
/// that place; its key is then no longer in the roster.
pub(crate) struct StalledStacks([Entry; MAX_STALLS]);

struct Entry {
    /// The key of the stall in the roster; zero for none.
    key: AtomicU64,
    text: Text<{ words(STALLED_TEXT) }>,
}

impl StalledStacks {
    const fn none() -> Self {
        Self(
            [const {
                Entry {
                    key: AtomicU64::new(0),
                    text: Text::empty(),
                }
            }; MAX_STALLS],
        )
    }

    /// Keeps the stack of the stall with that key. Only the reporter may call this.
    pub(super) fn set_text(&self, key: u64, text: &str) {
        let Some(entry) = self.entry(key) else {
            return;
        };
        entry.key.store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        entry.text.write(text);
        entry.key.store(key, Ordering::Release);
    }

    /// Returns `true` if the stack of the stall with that key is kept.
    pub(super) fn has_text(&self, key: u64) -> bool {
        let is_it = |entry: &Entry| entry.key.load(Ordering::Acquire) == key;
        self.entry(key).is_some_and(is_it)
    }

    /// Returns the stack of the stall with that key as text, if it is kept. Allocates
    /// nothing and waits for no other thread.
    pub(crate) fn text<'a>(&self, key: u64, buffer: &'a mut [u8; STALLED_TEXT]) -> Option<&'a str> {
        if !self.has_text(key) {
            return None;
        }
        let text = self.entry(key)?.text.read(buffer)?;
        fence(Ordering::Acquire);
        self.has_text(key).then_some(text)
    }

    fn entry(&self, key: u64) -> Option<&Entry> {
        let place = usize::try_from(key >> 32).ok()?;
        self.0.get(place).filter(|_| key != 0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use deadstop_core::Nanos;
    use deadstop_core::roster::{Entry, Roster, SlotRef};

    use super::*;

    fn stall(roster: &'static Roster, tid: i32) -> SlotRef {
        let stall = roster.stalls.add(&Entry {
            name: "loop",
            phase: "report",
            file: "",
            line: 0,
            started: Nanos(1),
            budget: Duration::from_secs(1),
        });
        let stall = stall.expect("there is a place");
        stall.set_thread(tid);
        stall
    }

    fn roster() -> &'static Roster {
        Box::leak(Box::new(Roster::empty()))
    }

    /// The same thread stalls again, in the same place.
    #[test]
    fn stack_is_of_its_own_stall_and_not_of_the_next_one() {
        let (roster, stacks) = (roster(), StalledStacks::none());
        let mut buffer = [0; STALLED_TEXT];
        let first = stall(roster, 7);
        assert_eq!(stacks.text(first.key(), &mut buffer), None);
        stacks.set_text(first.key(), "stack");
        assert_eq!(stacks.text(first.key(), &mut buffer), Some("stack"));
        roster.stalls.remove(Some(first));
        let next = stall(roster, 7);
        assert_eq!(stacks.text(next.key(), &mut buffer), None);
    }

    #[test]
    fn each_stall_of_a_full_table_has_its_stack() {
        let (roster, stacks) = (roster(), StalledStacks::none());
        let mut buffer = [0; STALLED_TEXT];
        let stalls: Vec<_> = (0..MAX_STALLS)
            .map(|place| stall(roster, 7 + place as i32))
            .collect();
        let listed: Vec<_> = roster.stalls.threads().collect();
        for (stall, tid) in stalls.iter().zip(7..) {
            assert!(listed.contains(&(stall.key(), tid)), "{listed:?}");
            stacks.set_text(stall.key(), &format!("stack {tid}"));
        }
        for (stall, tid) in stalls.iter().zip(7..) {
            let text = stacks.text(stall.key(), &mut buffer);
            assert_eq!(text, Some(format!("stack {tid}").as_str()));
        }
    }
}
