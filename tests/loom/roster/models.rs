use std::time::Duration;

use loom::thread;

use super::reading::TaskBuffer;
use super::slot::Entry;
use super::tables::Roster;
use super::task_status::TaskStatus;
use crate::check;
use crate::sys::Nanos;

/// Fails if the state does not change with each use of a slot, is not read again,
/// or either fence is taken out. Three it cannot see. That listing is a release:
/// the fence before the fields is enough for loom, which is left to the file's
/// argument. That a claim is an acquire, and leaving a release: they keep one use
/// apart from the next, and loom has no write come before an exchange that it is
/// behind.
#[test]
fn entry_read_during_reuse_is_never_mixed() {
    check(|| {
        let roster = roster();
        let first = roster.running.add(&entry("a", "A"));
        let thread = thread::spawn(move || {
            roster.running.remove(first);
            roster.running.add(&entry("b", "B"));
        });
        let mut buffer = TaskBuffer::new();
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
fn finished_entry_has_its_end_time() {
    for gives_up in [false, true] {
        check(move || {
            let roster = roster();
            let place = roster.running.add(&entry("a", "A")).expect("room");
            let thread = thread::spawn(move || roster.running.finish(Some(place), LATER, false));
            if gives_up {
                place.mark_abandoned();
            }
            let mut buffer = TaskBuffer::new();
            for slot in roster.running.slots() {
                if let Some(task) = slot.read(&mut buffer) {
                    let is_over = matches!(task.status, TaskStatus::Late | TaskStatus::Done);
                    assert!(!is_over || task.ended.0 == LATER.0);
                }
            }
            thread.join().expect("it ends");
        });
    }
}

/// Fails if the state does not change with each use of a slot.
#[test]
fn late_abandon_does_not_affect_the_next_entry() {
    check(|| {
        let roster = roster();
        let first = roster.running.add(&entry("a", "A"));
        let thread = thread::spawn(move || {
            roster.running.remove(first);
            roster.running.add(&entry("b", "B"))
        });
        first.expect("there is room").mark_abandoned();
        let second = thread.join().expect("it ends");
        assert!(second.is_some());
        let mut buffer = TaskBuffer::new();
        for slot in roster.running.slots() {
            let task = slot.read(&mut buffer).expect("no thread writes");
            assert_eq!(task.name, "b");
            assert!(task.status == TaskStatus::Running, "not abandoned");
        }
    });
}

/// Fails if the thread is not read again, or either fence is taken out.
#[test]
fn label_is_of_the_thread_that_was_asked_for() {
    check(|| {
        let labels = &roster().labels;
        // The first call makes the label's atomics.
        let place = labels.add(9, "x").expect("room");
        assert_eq!(labels.of(9, &mut [0; 1]), Some("x"));
        labels.remove(place);
        let place = labels.add(1, "a").expect("room");
        let thread = thread::spawn(move || {
            labels.remove(place);
            labels.add(2, "b")
        });
        let mut buffer = [0; 1];
        let label = labels.of(1, &mut buffer);
        assert!(matches!(label, None | Some("a")), "{label:?}");
        thread.join().expect("it ends");
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

/// An empty roster, with all atomics initialized.
fn roster() -> &'static Roster {
    let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
    let place = roster.running.add(&entry("x", "X"));
    for slot in roster.running.slots() {
        let read = slot.read(&mut TaskBuffer::new()).is_some();
        assert!(read);
    }
    roster.running.remove(place);
    // Reading the phases initializes their atomics.
    for phase in roster.phases.slots() {
        assert!(phase.read(&mut [0; 1]).is_none());
    }
    roster
}

/// Fails if ending does not keep that it was given up, whichever comes first: a
/// task that is late is neither done nor free.
#[test]
fn entry_abandoned_while_it_ends_is_late_or_done() {
    check(|| {
        let roster = roster();
        let before = roster.running.add(&entry("z", "Z"));
        roster.running.remove(before);
        let place = roster.running.add(&entry("a", "A")).expect("room");
        let thread = thread::spawn(move || roster.running.finish(Some(place), LATER, false));
        place.mark_abandoned();
        thread.join().expect("it ends");
        let mut buffer = TaskBuffer::new();
        for slot in roster.running.slots() {
            let task = slot.read(&mut buffer).expect("it is kept");
            // Given up after its end, it stays as it ended.
            assert!(matches!(task.status, TaskStatus::Late | TaskStatus::Done));
            assert_eq!((task.name, task.ended.0), ("a", LATER.0));
        }
        let again = roster.running.add(&entry("b", "B"));
        assert!(again.is_some(), "its slot is used again");
        // The uses of a slot are counted on, whichever came first.
        roster.running.remove(again);
        roster.running.add(&entry("c", "C"));
        before.expect("room").mark_abandoned();
        for slot in roster.running.slots() {
            let task = slot.read(&mut buffer).expect("it is listed");
            assert!(task.status == TaskStatus::Running);
        }
    });
}

/// Fails if what goes with a phase's state is not published before it, or not
/// read after it.
#[test]
fn finished_phase_has_its_end_time() {
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
