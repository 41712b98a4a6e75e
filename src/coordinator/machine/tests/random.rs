//! Random schedules against a simple reference: a list of tasks, and rules that are
//! checked after each step.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    /// In this phase, in this scope, with a budget of so many milliseconds if not 0.
    Register(usize, usize, u64),
    Cancel(prop::sample::Index),
    End(prop::sample::Index),
    Start,
    Begin,
    RequestScope(usize),
    Pass(u64),
    /// Brings the deadline forward to so many milliseconds from now.
    Arm(u64),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..4_usize, 0..4_usize, prop_oneof![Just(0), 1..2_000_u64])
            .prop_map(|(phase, scope, budget)| Event::Register(phase, scope, budget)),
        2 => any::<prop::sample::Index>().prop_map(Event::Cancel),
        5 => any::<prop::sample::Index>().prop_map(Event::End),
        5 => Just(Event::Start),
        1 => Just(Event::Begin),
        1 => (1..4_usize).prop_map(Event::RequestScope),
        3 => (0..3_000_u64).prop_map(Event::Pass),
        1 => (0..5_000_u64).prop_map(Event::Arm),
    ]
}

/// A task, as the reference knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    Accepted,
    Started { at: Nanos },
    Returned,
    Cancelled,
}

struct Reference {
    tasks: BTreeMap<TaskId, (usize, usize, u64, Seen)>,
    deadline: Nanos,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens in whatever order:
    ///
    /// - a task starts at most once, and never after it was cancelled;
    /// - no task of a run starts while one of an earlier phase of the same run runs and
    ///   has not been abandoned;
    /// - none starts at or after the deadline;
    /// - the machine asks to be woken in time for each budget and for the deadline;
    /// - in the end every accepted task that was not cancelled has exactly one outcome.
    #[test]
    fn every_schedule_keeps_the_rules(events in prop::collection::vec(any_event(), 1..80)) {
        let mut world = World::new();
        // 1 is beside 2, and 3 is in 2.
        let scopes = [
            ScopeId::ROOT,
            world.scope("a"),
            world.scope("b"),
            world.scope("b/c"),
        ];
        let mut reference = Reference { tasks: BTreeMap::new(), deadline: Nanos::LAST };
        for event in events {
            apply(&mut world, &mut reference, &scopes, event)?;
            check_wakeups(&world, &reference)?;
        }
        finish(&mut world, &mut reference, &scopes)?;
    }
}

fn apply(
    world: &mut World,
    reference: &mut Reference,
    scopes: &[ScopeId; 4],
    event: Event,
) -> Result<(), TestCaseError> {
    let pick = |reference: &Reference, index: prop::sample::Index| {
        let ids: Vec<_> = reference.tasks.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[index.index(ids.len())])
    };
    match event {
        Event::Register(phase, scope, budget) => {
            let budget_set = (budget > 0).then(|| Duration::from_millis(budget));
            let new = NewTask {
                site: Location::caller(),
                scope: scopes[scope],
                phase,
                budget: budget_set,
            };
            if let Ok(id) = world.machine.register(new, "task", "task", world.now) {
                reference
                    .tasks
                    .insert(id, (phase, scope, budget, Seen::Accepted));
            }
        }
        Event::Cancel(index) => {
            if let Some(id) = pick(reference, index) {
                let cancelled = world.machine.cancel(id, world.now).is_some();
                let entry = reference.tasks.get_mut(&id).unwrap();
                if cancelled {
                    prop_assert_eq!(entry.3, Seen::Accepted);
                    entry.3 = Seen::Cancelled;
                }
            }
        }
        Event::End(index) => {
            if let Some(id) = pick(reference, index) {
                let entry = reference.tasks.get_mut(&id).unwrap();
                if matches!(entry.3, Seen::Started { .. }) {
                    entry.3 = Seen::Returned;
                    world.machine.task_ended(id, Outcome::Done, world.now);
                }
            }
        }
        Event::Start => {
            while let Some(start) = world.machine.start_next(world.now) {
                check_start(world, reference, &start)?;
                reference.tasks.get_mut(&start.task).unwrap().3 = Seen::Started { at: world.now };
            }
        }
        Event::Begin => {
            if !world.machine.has_begun() {
                let deadline = Nanos(world.now.0 + 10 * SECOND);
                reference.deadline = reference.deadline.min(deadline);
                world.machine.set_deadline(reference.deadline, world.now);
                world
                    .machine
                    .begin(Cause::Finished, world.now, 0, world.now);
            }
        }
        Event::RequestScope(scope) => {
            let deadline = Nanos(world.now.0 + 4 * SECOND);
            world
                .machine
                .request_scope(scopes[scope], Cause::Finished, deadline, world.now);
        }
        Event::Pass(millis) => world.pass(millis),
        Event::Arm(millis) => {
            let deadline = Nanos(world.now.0 + millis * 1_000_000);
            reference.deadline = reference.deadline.min(deadline);
            world.machine.set_deadline(reference.deadline, world.now);
        }
    }
    world.note();
    Ok(())
}

fn check_start(
    world: &World,
    reference: &Reference,
    start: &Start<&'static str, &'static str>,
) -> Result<(), TestCaseError> {
    let (phase, scope, budget, seen) = reference.tasks[&start.task];
    prop_assert_eq!(seen, Seen::Accepted, "{:?} starts once", start.task);
    prop_assert!(
        world.now < reference.deadline,
        "no task starts at the deadline"
    );
    prop_assert!(start.ends <= reference.deadline);
    if budget > 0 {
        prop_assert!(start.ends <= world.now.saturating_add(Duration::from_millis(budget)));
    }
    // The same scope always belongs to one run.
    for (id, (other_phase, other_scope, _, other)) in &reference.tasks {
        if *other_scope == scope && *other_phase < phase && matches!(other, Seen::Started { .. }) {
            let task = world.machine.tasks.get(id.0);
            prop_assert!(task.is_none(), "a task of an earlier phase still runs");
        }
    }
    Ok(())
}

fn check_wakeups(world: &World, reference: &Reference) -> Result<(), TestCaseError> {
    let wakeup = world.machine.next_wakeup().unwrap_or(Nanos::LAST);
    for (id, (_, _, budget, seen)) in &reference.tasks {
        let is_running = world.machine.tasks.get(id.0).is_some();
        if let (Seen::Started { at }, true) = (*seen, is_running) {
            if *budget > 0 {
                let ends = at.saturating_add(Duration::from_millis(*budget));
                prop_assert!(wakeup <= ends, "woken in time for the budget");
            }
            prop_assert!(
                wakeup <= reference.deadline,
                "woken in time for the deadline"
            );
        }
    }
    Ok(())
}

fn finish(
    world: &mut World,
    reference: &mut Reference,
    scopes: &[ScopeId; 4],
) -> Result<(), TestCaseError> {
    apply(world, reference, scopes, Event::Begin)?;
    for _ in 0..40 {
        apply(world, reference, scopes, Event::Start)?;
        apply(world, reference, scopes, Event::Pass(1_000))?;
    }
    prop_assert!(world.ended.is_some(), "the deadline ends it");
    prop_assert!(world.machine.tasks.is_empty());
    prop_assert_eq!(world.machine.startable(), 0);
    prop_assert_eq!(world.machine.pending_count(), 0);
    prop_assert_eq!(world.machine.running, 0);
    let in_reports = world.report().tasks().count() as u64;
    prop_assert!(in_reports <= world.machine.settled);
    Ok(())
}
