//! Phases, budgets, reserves and the deadline.

use super::*;

#[test]
fn phase_begins_when_the_last_task_of_the_one_before_ends() {
    let mut world = World::new();
    world.task("close", Phase::CLOSE);
    world.task("a", Phase::DRAIN);
    world.task("b", Phase::DRAIN);
    world.begin(10);
    assert_eq!(world.start(), ["a", "b"]);
    world.done("a");
    assert!(world.start().is_empty());
    world.done("b");
    assert_eq!(world.start(), ["close"]);
    world.done("close");
    assert!(world.report().is_clean());
    assert_eq!(world.report().status(), 0);
}

/// A thread may have read the clock before the shutdown began, and waited for the lock since.
#[test]
fn task_starts_no_earlier_than_its_phase() {
    let mut world = World::new();
    world.task("a", Phase::DRAIN);
    world.begin(10);
    let begun = world.now;
    let start = world.machine.start_next(Nanos(begun.0 - SECOND));
    assert_eq!(start.map(|start| start.started), Some(begun));
}

#[test]
fn held_tasks_start_when_they_are_released() {
    let mut world = World::new();
    world.task("a", Phase::DRAIN);
    world.machine.hold();
    world.begin(10);
    world.pass(999);
    world.task("b", Phase::UNBIND);
    assert!(world.start().is_empty());
    world.machine.release(world.now);
    assert_eq!(world.start(), ["b"]);
    world.done("b");
    assert_eq!(world.start(), ["a"]);
}

#[test]
fn held_tasks_start_after_a_tenth_of_the_time_or_a_second() {
    for (grace, longest) in [(2, 200), (100, 1_000)] {
        let mut world = World::new();
        world.task("a", Phase::DRAIN);
        world.machine.hold();
        world.begin(grace);
        world.pass(longest - 1);
        assert!(world.start().is_empty());
        world.pass(1);
        assert_eq!(world.start(), ["a"]);
    }
}

#[test]
fn shutdown_that_is_released_before_it_begins_holds_nothing() {
    let mut world = World::new();
    world.task("a", Phase::DRAIN);
    world.machine.hold();
    world.machine.release(world.now);
    world.begin(10);
    assert_eq!(world.start(), ["a"]);
}

#[test]
fn max_concurrent_tasks_limits_the_running_tasks_of_a_phase() {
    let mut world = World::with(
        Vec::new(),
        Rules {
            max_concurrent_tasks: 2,
            ..rules()
        },
    );
    for name in ["a", "b", "c"] {
        world.task(name, Phase::CLOSE);
    }
    world.begin(10);
    assert_eq!(world.start(), ["a", "b"]);
    assert_eq!(world.machine.startable(), 0);
    world.done("b");
    assert_eq!(world.start(), ["c"]);
}

#[test]
fn task_over_its_budget_is_abandoned_exactly_then() {
    let mut world = World::new();
    let budget = Some(Duration::from_secs(1));
    world
        .try_task_with_budget("slow", Phase::DRAIN, ScopeId::ROOT, budget)
        .unwrap();
    world.begin(10);
    world.start();
    world.pass(999);
    assert!(!world.has_said("abandon slow"));
    world.pass(1);
    assert!(world.has_said("abandon slow"));
    assert_eq!(world.outcome("slow"), &Outcome::OverBudget);
    assert_eq!(world.report().status(), 1);
    // What it returns later changes nothing.
    world.done("slow");
    assert_eq!(world.outcome("slow"), &Outcome::OverBudget);
}

#[test]
fn half_time_is_that_of_the_phase_or_of_the_first_budget() {
    let mut world = World::new();
    world.task("waits", Phase::DRAIN);
    let budget = Some(Duration::from_secs(2));
    world
        .try_task_with_budget("slow", Phase::DRAIN, ScopeId::ROOT, budget)
        .unwrap();
    assert_eq!(world.machine.half_time(), None, "nothing runs");
    world.begin(10);
    let begun = world.now;
    let after = |seconds| Some(begun.saturating_add(Duration::from_secs(seconds)));
    assert_eq!(world.machine.half_time(), after(5), "of the phase");
    world.start();
    assert_eq!(world.machine.half_time(), after(1), "of the budget");
    world.done("slow");
    assert_eq!(world.machine.half_time(), after(5), "of the phase");
    world.done("waits");
    assert_eq!(world.machine.half_time(), None, "nothing runs");
}

#[test]
fn reserve_is_left_by_a_phase_that_hangs() {
    let reserve = Phase::CLOSE.reserve(Duration::from_secs(3));
    let mut world = World::with(vec![reserve], rules());
    world.task("hangs", Phase::DRAIN);
    world.task("close", Phase::CLOSE);
    world.begin(10);
    world.start();
    world.pass(6_999);
    assert!(!world.has_said("abandon hangs"));
    world.pass(1);
    assert!(world.has_said("abandon hangs"));
    assert_eq!(world.start(), ["close"]);
}

/// A deadline that is brought forward moves the wake-up at once; nothing waits for a look
/// that happens to be due.
#[test]
fn deadline_brought_forward_keeps_the_reserve() {
    let reserve = Phase::FLUSH.reserve(Duration::from_millis(100));
    let mut world = World::with(vec![reserve], rules());
    world.task("hangs", Phase::DRAIN);
    world.task("flush", Phase::FLUSH);
    world.begin(10);
    world.start();
    world.pass(1020);
    let deadline = Nanos(world.now.0 + 150_000_000);
    world.machine.set_deadline(deadline, world.now);
    assert_eq!(
        world.machine.next_wakeup(),
        Some(Nanos(world.now.0 + 50_000_000))
    );
    world.pass(50);
    assert_eq!(world.start(), ["flush"]);
}

#[test]
fn flush_and_close_reserve_a_tenth_each_by_default() {
    let mut world = World::new();
    world.task("hangs", Phase::DRAIN);
    world.task("flush", Phase::FLUSH);
    world.task("close", Phase::CLOSE);
    world.begin(10);
    world.start();
    world.pass(7_999);
    assert!(!world.has_said("abandon hangs"));
    world.pass(1);
    assert!(world.has_said("abandon hangs"));
}

#[test]
fn default_reserve_of_a_long_grace_is_two_seconds() {
    let mut world = World::new();
    world.task("hangs", Phase::DRAIN);
    world.task("close", Phase::CLOSE);
    world.begin(100);
    world.start();
    world.pass(97_999);
    assert!(!world.has_said("abandon hangs"));
    world.pass(1);
    assert!(world.has_said("abandon hangs"));
}

#[test]
fn phase_without_tasks_reserves_nothing_by_default() {
    let mut world = World::new();
    world.task("drain", Phase::DRAIN);
    world.begin(10);
    world.start();
    world.pass(9_999);
    assert!(!world.has_said("abandon drain"));
    world.pass(1);
    assert!(world.has_said("abandon drain"));
}

#[test]
fn default_reserves_yield_to_a_budget_that_needs_the_whole_grace() {
    let budget = Phase::DRAIN.budget(Duration::from_secs(10));
    let mut world = World::with(vec![budget], rules());
    world.task("drain", Phase::DRAIN);
    world.task("close", Phase::CLOSE);
    world.begin(10);
    world.start();
    world.pass(9_999);
    assert!(!world.has_said("abandon drain"));
}

#[test]
fn task_of_an_earlier_phase_is_refused_with_its_payload() {
    let mut world = World::new();
    world.task("drain", Phase::DRAIN);
    world.begin(10);
    world.start();
    assert_eq!(
        world.try_task("late", Phase::UNBIND, ScopeId::ROOT),
        Err(Refusal::PhaseOver)
    );
    world
        .try_task("same phase", Phase::DRAIN, ScopeId::ROOT)
        .unwrap();
    assert_eq!(world.start(), ["same phase"]);
    world.done("drain");
    world.done("same phase");
    assert_eq!(world.report().refused().len(), 1);
    assert_eq!(
        world.try_task("later", Phase::CLOSE, ScopeId::ROOT),
        Err(Refusal::Over)
    );
}

#[test]
fn cancel_removes_pending_and_queued_tasks_but_no_running_one() {
    let mut world = World::with(
        Vec::new(),
        Rules {
            max_concurrent_tasks: 1,
            ..rules()
        },
    );
    for name in ["pending", "runs", "queued"] {
        let phase = if name == "pending" {
            Phase::CLOSE
        } else {
            Phase::DRAIN
        };
        world.task(name, phase);
    }
    world.begin(10);
    assert_eq!(world.start(), ["runs"]);
    for (name, cancelled) in [("pending", true), ("runs", false), ("queued", true)] {
        let id = world.ids[name];
        assert_eq!(
            world.machine.cancel(id, world.now).is_some(),
            cancelled,
            "{name}"
        );
        assert!(
            world.machine.cancel(id, world.now).is_none(),
            "{name} twice"
        );
    }
    world.done("runs");
    assert_eq!(world.outcome("queued"), &Outcome::Cancelled);
    assert!(world.report().task("pending").is_none());
    assert!(world.report().is_clean());
}

#[test]
fn queued_tasks_are_skipped_when_the_time_of_their_phase_is_over() {
    let mut world = World::with(
        Vec::new(),
        Rules {
            max_concurrent_tasks: 1,
            ..rules()
        },
    );
    world.task("hangs", Phase::CLOSE);
    world.task("waits", Phase::CLOSE);
    world.begin(1);
    world.start();
    world.pass(1000);
    assert_eq!(world.outcome("waits"), &Outcome::Skipped(Skip::NoTime));
    assert!(world.has_said("discard waits"));
}
