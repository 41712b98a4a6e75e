//! Runs that own a scope, and scopes that are removed.

use super::*;

#[test]
fn scope_stops_alone_and_the_whole_does_not_begin() {
    let mut world = World::new();
    let scope = world.scope("ingest");
    world.try_task("a", Phase::DRAIN, scope).unwrap();
    world.task("root", Phase::DRAIN);
    assert_eq!(world.request_scope(scope, 5), Request::First);
    assert_eq!(world.start(), ["a"]);
    world.done("a");
    assert!(world.has_said("/ingest ends"));
    assert!(!world.machine.has_begun());
    assert_eq!(world.request_scope(scope, 5), Request::Again);
}

/// The run that owns the scope is decided in the call that requests it. A whole
/// shutdown that begins before the scope has run a task takes none of them.
#[test]
fn scope_requested_just_before_the_whole_keeps_its_order() {
    let mut world = World::new();
    let scope = world.scope("pool");
    world
        .try_task("drain the pool", Phase::DRAIN, scope)
        .unwrap();
    world
        .try_task("close the pool", Phase::CLOSE, scope)
        .unwrap();
    world.request_scope(scope, 5);
    world.begin(10);
    assert_eq!(world.start(), ["drain the pool"]);
    assert!(world.ended.is_none(), "the whole waits for the scope");
    world.done("drain the pool");
    assert_eq!(world.start(), ["close the pool"]);
    world.done("close the pool");
    assert!(world.ended.is_some());
    assert_eq!(
        world.report().tasks().count(),
        0,
        "they are in the scope's report"
    );
}

#[test]
fn scope_requested_after_the_whole_has_begun_belongs_to_the_whole() {
    let mut world = World::new();
    let scope = world.scope("ingest");
    world.try_task("a", Phase::CLOSE, scope).unwrap();
    world.task("drain", Phase::DRAIN);
    world.begin(10);
    world.start();
    assert_eq!(world.request_scope(scope, 1), Request::Again);
    world.done("drain");
    assert_eq!(world.start(), ["a"]);
}

#[test]
fn detached_scope_is_reported_if_nothing_requests_it() {
    let mut world = World::new();
    let (scope, _) = world.machine.open_scope(ScopeId::ROOT, "db", true);
    world.try_task("db", Phase::CLOSE, scope).unwrap();
    world.begin(10);
    assert!(world.start().is_empty());
    assert_eq!(world.outcome("db"), &Outcome::Skipped(Skip::NotRequested));
    assert!(world.report().is_clean());
}

#[test]
fn default_reserves_fit_a_scopes_own_grace() {
    let mut world = World::new();
    let scope = world.scope("ingest");
    world.try_task("drain", Phase::DRAIN, scope).unwrap();
    world.try_task("close", Phase::CLOSE, scope).unwrap();
    world.request_scope(scope, 1);
    assert_eq!(world.start(), ["drain"]);
    world.pass(899);
    assert!(!world.has_said("abandon drain"));
    world.pass(1);
    assert_eq!(world.start(), ["close"]);
}

#[test]
fn scope_that_was_never_used_is_unknown() {
    let mut world = World::new();
    let used = world.scope("ingest");
    world.try_task("a", Phase::CLOSE, used).unwrap();
    let misspelled = world.scope("ingst");
    assert_eq!(world.request_scope(misspelled, 5), Request::Unknown);
    // Its parent exists by it, and it exists once the program listens to it.
    world.machine.use_scope(misspelled);
    assert_eq!(world.request_scope(misspelled, 5), Request::First);
}

#[test]
fn scope_without_handles_tasks_and_children_is_forgotten() {
    let mut world = World::new();
    let (inner, _) = world.machine.open_scope(ScopeId::ROOT, "a/b/c", false);
    assert_eq!(world.machine.scope_count(), 4);
    world.try_task("t", Phase::CLOSE, inner).unwrap();
    world.machine.drop_scope(inner);
    assert_eq!(world.machine.scope_count(), 4, "its task keeps it");
    assert!(world.machine.cancel(world.ids["t"], world.now).is_some());
    assert_eq!(world.machine.scope_count(), 1);
}

#[test]
fn scope_that_has_stopped_is_forgotten_with_its_last_handle() {
    let mut world = World::new();
    let scope = world.scope("tenant");
    world.try_task("t", Phase::CLOSE, scope).unwrap();
    world.request_scope(scope, 5);
    world.start();
    world.machine.drop_scope(scope);
    assert_eq!(world.machine.scope_count(), 2, "it stops");
    world.done("t");
    assert_eq!(world.machine.scope_count(), 1);
}

#[test]
fn restarted_scope_takes_tasks_and_tells_waiters_of_the_run_before() {
    let mut world = World::new();
    let scope = world.scope("ingest");
    world.try_task("a", Phase::CLOSE, scope).unwrap();
    let restarts = world.machine.restarts(scope);
    world.request_scope(scope, 5);
    world.start();
    assert!(!world.machine.restart_scope(scope), "it has not stopped");
    world.done("a");
    assert_eq!(
        world.try_task("late", Phase::CLOSE, scope),
        Err(Refusal::Over)
    );
    assert!(world.machine.restart_scope(scope));
    world.try_task("b", Phase::CLOSE, scope).unwrap();
    let outcome = world.machine.scope_outcome(scope, restarts);
    assert!(matches!(outcome, ScopeOutcome::Report(report) if report.task("a").is_some()));
    let outcome = world.machine.scope_outcome(scope, restarts + 1);
    assert!(matches!(outcome, ScopeOutcome::NotYet));
}

#[test]
fn task_that_waits_for_its_own_scope_is_detected() {
    let mut world = World::new();
    let scope = world.scope("ingest");
    let other = world.scope("other");
    world.try_task("a", Phase::CLOSE, scope).unwrap();
    world.try_task("b", Phase::CLOSE, other).unwrap();
    world.request_scope(scope, 5);
    world.request_scope(other, 5);
    world.start();
    let a = world.ids["a"];
    assert!(world.machine.waits_for_itself(a, scope));
    assert!(!world.machine.waits_for_itself(a, other));
}
