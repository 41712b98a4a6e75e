use std::time::Duration;

use loom::thread;

use super::roster::{Buffer, Entry, Roster};
use super::sys::Nanos;
use crate::check;

/// Fails if the state does not change with each use of a slot, is not read again,
/// or either fence is taken out. It does not fail if listing is no release, or
/// its reading no acquire: that is left to the file's argument.
#[test]
fn an_entry_is_never_made_of_two() {
    check(|| {
        let roster = roster();
        let first = roster.running.enter(&entry("a", "A"));
        let thread = thread::spawn(move || {
            roster.running.leave(first);
            roster.running.enter(&entry("b", "B"));
        });
        let mut buffer = Buffer::new();
        for slot in roster.running.slots() {
            if let Some(task) = slot.read(&mut buffer) {
                let whole = matches!((task.name, task.phase), ("a", "A") | ("b", "B"));
                assert!(whole, "{} {}", task.name, task.phase);
            }
        }
        thread.join().expect("it ends");
    });
}

/// Fails if the state does not change with each use of a slot.
#[test]
fn who_left_is_not_abandoned_in_the_place_of_another() {
    check(|| {
        let roster = roster();
        let first = roster.running.enter(&entry("a", "A"));
        let thread = thread::spawn(move || {
            roster.running.leave(first);
            roster.running.enter(&entry("b", "B"))
        });
        first.expect("there is room").abandon();
        let second = thread.join().expect("it ends");
        assert!(second.is_some());
        let mut buffer = Buffer::new();
        for slot in roster.running.slots() {
            let task = slot.read(&mut buffer).expect("nobody writes");
            assert_eq!((task.name, task.abandoned), ("b", false));
        }
    });
}

fn entry(name: &'static str, phase: &'static str) -> Entry<'static> {
    Entry {
        name,
        phase,
        file: "f",
        line: 1,
        started: Nanos(1),
        budget: Duration::from_nanos(1),
    }
}

/// An empty roster, whose every atomic is made.
fn roster() -> &'static Roster {
    let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
    let place = roster.running.enter(&entry("x", "X"));
    for slot in roster.running.slots() {
        let read = slot.read(&mut Buffer::new()).is_some();
        assert!(read);
    }
    roster.running.leave(place);
    roster
}
