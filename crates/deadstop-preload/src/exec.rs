//! The deadline across `exec`. A program that takes the place of this one in its process
//! has none of its threads and timers, but its descriptors.
//!
//! ```text
//! arm          makes a file in memory with the deadline, open across exec
//! constructor  of the next program: reads it, and arms for the same point in time
//! ```
//!
//! A child of `fork` inherits the file too: the record names the process that it is for.

use core::time::Duration;

use deadstop_core::{Nanos, now, pid};

use crate::cause::Trigger;
use crate::sys::kept_file::{self, WORDS};

/// The first word of a record.
const MAGIC: u64 = u64::from_ne_bytes(*b"deadstop");

/// The time after its deadline for which a record counts. A later record is of a process that has
/// ended, and whose id another process has.
const STALE: Duration = Duration::from_secs(1);

/// A shutdown that has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) begun: Nanos,
    pub(crate) at: Nanos,
    pub(crate) trigger: Trigger,
}

/// Keeps the record for a program that replaces this one. Async-signal-safe.
pub(crate) fn keep(record: &Record) {
    kept_file::make(&write(record, pid()));
}

/// Returns the record of the program that this one has replaced.
pub(crate) fn take() -> Option<Record> {
    let words = kept_file::read()?;
    let [MAGIC, owner, ..] = words else {
        return None;
    };
    if owner != word(pid()) {
        // A child's copy.
        kept_file::close();
        return None;
    }
    read(&words).filter(|record| now() < record.at.saturating_add(STALE))
}

fn write(record: &Record, pid: i32) -> [u64; WORDS] {
    let (signal, sender) = match record.trigger {
        Trigger::Signal(signal, sender) => (signal, sender),
        Trigger::Exit => (0, None),
    };
    let (sender, user) = sender.unwrap_or((0, 0));
    let (Nanos(begun), Nanos(at)) = (record.begun, record.at);
    let (signal, sender) = (word(signal), word(sender));
    [MAGIC, word(pid), begun, at, signal, sender, user.into(), 0]
}

fn read(words: &[u64; WORDS]) -> Option<Record> {
    let [MAGIC, _, begun, at, signal, sender, user, _] = *words else {
        return None;
    };
    let sender = (i32::try_from(sender).ok()?, u32::try_from(user).ok()?);
    let trigger = match i32::try_from(signal).ok()? {
        0 => Trigger::Exit,
        signal => Trigger::Signal(signal, Some(sender).filter(|(pid, _)| *pid != 0)),
    };
    Some(Record {
        begun: Nanos(begun),
        at: Nanos(at),
        trigger,
    })
}

/// A number that is not negative, as a word.
fn word(number: i32) -> u64 {
    number.unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use super::{Record, read, write};
    use crate::cause::Trigger;
    use deadstop_core::Nanos;

    #[test]
    fn record_is_read_as_it_was_written() {
        for trigger in [
            Trigger::Exit,
            Trigger::Signal(15, None),
            Trigger::Signal(2, Some((4711, 1000))),
        ] {
            let record = Record {
                begun: Nanos(5),
                at: Nanos(u64::MAX),
                trigger,
            };
            assert_eq!(read(&write(&record, 7)), Some(record));
        }
    }

    #[test]
    fn other_file_has_no_record() {
        assert_eq!(read(&[0; 8]), None);
    }
}
