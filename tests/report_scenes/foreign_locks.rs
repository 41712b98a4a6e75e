//! Tasks that wait for locks of `parking_lot`, whose threads wait on a word of their own each.

use std::hint::black_box;
use std::sync::{Arc, Barrier};

use parking_lot::Mutex;

use super::*;

#[inline(never)]
fn locks_twice() {
    let lock = Mutex::new(1);
    let once = lock.lock();
    let twice = lock.lock();
    black_box(*once + *twice);
}

#[test]
fn task_that_locks_twice_is_shown_in_its_function() {
    let test = "foreign_locks::task_that_locks_twice_is_shown_in_its_function";
    let (status, said) = run(test, || {
        let shutdown = ok(builder().install());
        let task = shutdown.task("lock the barn twice");
        ok(task.on_shutdown(|_| locks_twice()));
        let _ = shutdown.finish();
    });
    assert_eq!(status, Some(124), "{said}");
    let screen = screen(&said);
    let waits = "waits (lock, channel, condition or join)";
    let line = screen.lines().find(|line| line.contains(waits));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(!STACKS || line.contains("locks_twice"), "{said}");
}

#[inline(never)]
fn crosses(one: &Mutex<u32>, other: &Mutex<u32>, meet: &Barrier) {
    let held = one.lock();
    meet.wait();
    let both = other.lock();
    black_box(*held + *both);
}

#[test]
fn tasks_that_cross_two_locks_are_a_deadlock() {
    let test = "foreign_locks::tasks_that_cross_two_locks_are_a_deadlock";
    let (status, said) = run(test, || {
        let shutdown = ok(builder().install());
        let locks = Arc::new([Mutex::new(1), Mutex::new(2)]);
        let meet = Arc::new(Barrier::new(2));
        for (name, one, other) in [("credit the account", 0, 1), ("debit the account", 1, 0)] {
            let (locks, meet) = (Arc::clone(&locks), Arc::clone(&meet));
            let task = shutdown.task(name);
            ok(task.on_shutdown(move |_| crosses(&locks[one], &locks[other], &meet)));
        }
        let _ = shutdown.finish();
    });
    assert_eq!(status, Some(124), "{said}");
    let screen = screen(&said);
    let is_deadlock = |line: &str| {
        line.contains("it waits for a lock that is on the stack of task \"")
            && line.contains("which waits for task \"")
            && line.contains("deadlock")
    };
    assert!(screen.lines().any(is_deadlock), "{said}");
}
