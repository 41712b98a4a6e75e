//! The kill list, while entries come and go.

use loom::thread;

use super::kill_list::KillList;
use crate::check;
use crate::sys::{ChildEvent, KILLS};

/// Fails if `remove` does not wait for a kill that is under way, or if
/// `kill_all` does not claim the entry before it kills.
#[test]
fn child_removed_and_then_reaped_is_not_killed_after_that() {
    check(|| {
        let list = list();
        let slot = list.add(7, Some(3), false).expect("the list is empty");
        let killer = thread::spawn(|| list.kill_all());
        slot.remove();
        KILLS.note(ChildEvent::Reaped { pid: 7 });
        killer.join().expect("it returns");
        let events = KILLS.all();
        let reaped = events
            .iter()
            .position(|event| *event == ChildEvent::Reaped { pid: 7 });
        assert_eq!(reaped, Some(events.len() - 1), "{events:?}");
    });
}

/// Fails if either `SeqCst` fence is removed, or if `add` reads `is_closed`
/// before it lists the entry.
#[test]
fn child_added_during_the_kill_is_killed_or_refused() {
    check(|| {
        let list = list();
        let killer = thread::spawn(|| list.kill_all());
        let slot = list.add(7, None, true);
        killer.join().expect("it returns");
        let killed = ChildEvent::Killed {
            pid: 7,
            pidfd: None,
        };
        assert!(slot.is_none() || KILLS.all() == [killed]);
    });
}

/// Fails if listing is no release, if the claim of `kill_all` is no acquire, or
/// if the state does not change with each use of a slot.
#[test]
fn entry_of_a_reused_slot_is_killed_whole_or_not_at_all() {
    check(|| {
        let list = list();
        let first = list.add(7, Some(3), false).expect("the list is empty");
        let killer = thread::spawn(|| list.kill_all());
        first.remove();
        // `None` if the list is closed by now.
        let second = list.add(8, Some(4), false);
        killer.join().expect("it returns");
        for event in KILLS.all() {
            let whole =
                [(7, Some(3)), (8, Some(4))].map(|(pid, pidfd)| ChildEvent::Killed { pid, pidfd });
            assert!(whole.contains(&event), "{event:?}");
        }
        // The entry must be held until here.
        let _ = &second;
    });
}

/// Fails if `kill_all` does not claim an entry: the watchdog and a second
/// signal's handler may run it at once.
#[test]
fn two_kills_at_once_kill_each_child_once() {
    check(|| {
        let list = list();
        let slot = list.add(7, None, false).expect("the list is empty");
        let killer = thread::spawn(|| list.kill_all());
        list.kill_all();
        killer.join().expect("it returns");
        assert_eq!(KILLS.all().len(), 1);
        slot.remove();
    });
}

/// An empty list, with all atomics initialized.
fn list() -> &'static KillList {
    let list: &'static KillList = Box::leak(Box::new(KillList::empty()));
    let slot = list.add(9, None, false).expect("the list is empty");
    slot.remove();
    assert!(KILLS.all().is_empty());
    list
}
