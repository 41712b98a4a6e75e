//! The end of the process, and its status.

use super::*;
use crate::signal::Signal;

/// A machine whose only task is done, with the end announced.
fn over(rules: Rules) -> World {
    let mut world = World::with(Vec::new(), rules);
    world.task("a", Phase::CLOSE);
    world.begin(10);
    world.start();
    world.done("a");
    world.machine.conclude(world.now);
    world.note();
    world
}

#[test]
fn end_without_waiter_warns_once_and_never_exits() {
    let mut world = over(rules());
    world.pass(999);
    assert!(!world.has_said("warn"));
    world.pass(1);
    world.pass(60_000);
    assert_eq!(world.said.iter().filter(|said| *said == "warn").count(), 1);
    assert!(!world.has_said("exit"));
}

#[test]
fn end_without_waiter_exits_after_50_ms_if_asked_to() {
    let mut world = over(Rules {
        when_done: WhenDone::Exit,
        ..rules()
    });
    world.pass(49);
    assert!(!world.has_said("exit"));
    world.pass(1);
    assert!(world.has_said("exit"));
}

#[test]
fn waiter_that_has_left_no_longer_counts() {
    let mut world = World::with(
        Vec::new(),
        Rules {
            when_done: WhenDone::Exit,
            ..rules()
        },
    );
    world.task("a", Phase::CLOSE);
    world.machine.add_waiter();
    world.begin(10);
    world.start();
    world.done("a");
    world.machine.conclude(world.now);
    world.pass(5_000);
    assert!(!world.has_said("exit"), "it is waited for");
    world.machine.remove_waiter(world.now);
    world.pass(49);
    assert!(!world.has_said("exit"));
    world.pass(1);
    assert!(world.has_said("exit"));
}

#[test]
fn shutdown_without_tasks_neither_exits_nor_warns() {
    for when_done in [WhenDone::Wait, WhenDone::Exit] {
        let mut world = World::with(
            Vec::new(),
            Rules {
                when_done,
                ..rules()
            },
        );
        world.begin(10);
        assert!(world.ended.is_some());
        world.machine.conclude(world.now);
        world.pass(60_000);
        assert!(
            !world.has_said("exit") && !world.has_said("warn"),
            "{when_done:?}"
        );
    }
}

#[test]
fn status_is_never_0_after_a_failure() {
    for clean_exit in [
        CleanExit::Success,
        CleanExit::SignalStatus,
        CleanExit::Immediate,
    ] {
        let mut world = World::with(
            Vec::new(),
            Rules {
                clean_exit,
                failure_status: 7,
                ..rules()
            },
        );
        world.task("a", Phase::CLOSE);
        world.begin(10);
        world.start();
        world.end("a", Outcome::Failed("no".into()));
        assert_eq!(world.report().status(), 7);
    }
}

#[test]
fn status_of_a_signal_is_as_clean_exit_says() {
    let cases = [
        (CleanExit::Success, 0),
        (CleanExit::SignalStatus, 143),
        (CleanExit::Reraise, 143),
        (CleanExit::Immediate, 0),
    ];
    for (clean_exit, status) in cases {
        let mut world = World::with(
            Vec::new(),
            Rules {
                clean_exit,
                ..rules()
            },
        );
        let cause = Cause::Signaled {
            signal: Signal::TERM,
            sender: None,
        };
        world.machine.begin(cause, world.now, 0, world.now);
        world.note();
        assert_eq!(world.report().status(), status, "{clean_exit:?}");
    }
}
