use std::time::Duration;

use loom::thread;

use super::roster::{Buffer, Entry, Is, Roster};
use super::sys::Nanos;
use crate::check;

/// Fails if the state does not change with each use of a slot, is not read again,
/// or either fence is taken out. Three it cannot see. That listing is a release:
/// the fence before the fields is enough for loom, which is left to the file's
/// argument. That a claim is an acquire, and leaving a release: they keep one use
/// apart from the next, and loom has no write come before an exchange that it is
/// behind.
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

/// Fails if an end is no release, be it of a task that was given up or not, or
/// its reading no acquire.
#[test]
fn an_end_comes_with_its_time() {
    for gives_up in [false, true] {
        check(move || {
            let roster = roster();
            let place = roster.running.enter(&entry("a", "A")).expect("room");
            let thread = thread::spawn(move || roster.running.end(Some(place), LATER, false));
            if gives_up {
                place.abandon();
            }
            let mut buffer = Buffer::new();
            for slot in roster.running.slots() {
                if let Some(task) = slot.read(&mut buffer) {
                    let is_over = matches!(task.is, Is::Late | Is::Done);
                    assert!(!is_over || task.ended.0 == LATER.0);
                }
            }
            thread.join().expect("it ends");
        });
    }
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
            assert_eq!(task.name, "b");
            assert!(task.is == Is::Running, "not abandoned");
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
    // The phases' atomics are made as they are read.
    for phase in roster.phases.slots() {
        assert!(phase.read(&mut [0; 1]).is_none());
    }
    roster
}

/// Fails if ending does not keep that it was given up, whoever comes first: a
/// task that is late is neither done nor free.
#[test]
fn who_is_given_up_as_it_ends_is_late_or_done() {
    check(|| {
        let roster = roster();
        let before = roster.running.enter(&entry("z", "Z"));
        roster.running.leave(before);
        let place = roster.running.enter(&entry("a", "A")).expect("room");
        let thread = thread::spawn(move || roster.running.end(Some(place), LATER, false));
        place.abandon();
        thread.join().expect("it ends");
        let mut buffer = Buffer::new();
        for slot in roster.running.slots() {
            let task = slot.read(&mut buffer).expect("it is kept");
            // Given up after its end, it stays as it ended.
            assert!(matches!(task.is, Is::Late | Is::Done));
            assert_eq!((task.name, task.ended.0), ("a", LATER.0));
        }
        let again = roster.running.enter(&entry("b", "B"));
        assert!(again.is_some(), "its room is had again");
        // The uses of a slot are counted on, whoever came first.
        roster.running.leave(again);
        roster.running.enter(&entry("c", "C"));
        before.expect("room").abandon();
        for slot in roster.running.slots() {
            let task = slot.read(&mut buffer).expect("it is listed");
            assert!(task.is == Is::Running);
        }
    });
}

/// Fails if what goes with a phase's state is not published before it, or not
/// read after it.
#[test]
fn a_phase_that_is_over_has_ended() {
    check(|| {
        let roster = roster();
        let thread = thread::spawn(move || {
            roster.phases.begin("p", Nanos(1), Nanos(9));
            roster.phases.end(Nanos(5));
        });
        let mut buffer = [0; 1];
        for slot in roster.phases.slots() {
            if let Some(phase) = slot.read(&mut buffer) {
                assert_eq!((phase.name, phase.started.0, phase.ends.0), ("p", 1, 9));
                assert!(phase.ended.is_none_or(|ended| ended.0 == 5));
            }
        }
        thread.join().expect("it ends");
    });
}

/// Long after the start that `entry` has.
const LATER: Nanos = Nanos(10_000_000_000);
